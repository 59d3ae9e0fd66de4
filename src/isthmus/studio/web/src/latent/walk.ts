// The way from one code to another.

/** Straight; or, for codes that lie like a normal cloud, along the sphere (Shoemake 1985; White 2016). */
export function between(a: Float32Array, b: Float32Array, share: number, spherical: boolean): Float32Array {
  const length = (v: Float32Array) => Math.hypot(...v);
  const [la, lb] = [length(a), length(b)];
  if (spherical && la > 1e-6 && lb > 1e-6) {
    let dot = 0;
    for (let i = 0; i < a.length; i++) dot += (a[i]! / la) * (b[i]! / lb);
    const angle = Math.acos(Math.min(1, Math.max(-1, dot)));
    if (angle > 1e-4 && Math.PI - angle > 1e-4) {
      const [wa, wb] = [Math.sin((1 - share) * angle) / Math.sin(angle), Math.sin(share * angle) / Math.sin(angle)];
      return a.map((v, i) => wa * v + wb * b[i]!);
    }
  }
  return a.map((v, i) => v + share * (b[i]! - v));
}
