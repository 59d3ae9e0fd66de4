// Strokes as soft as those of handwritten digits in 28 x 28 pixels.

export type Point = [x: number, y: number];

/** A picture with a stroke added (``sign`` 1) or rubbed out (-1). Scales with the picture's side. */
export function stroke(item: Float32Array, shape: number[], a: Point, b: Point, sign: 1 | -1): Float32Array {
  const [height, width] = [shape[1]!, shape[2]!];
  const radius = (Math.max(height, width) / 28) * (sign > 0 ? 1.15 : 2);
  const out = item.slice();
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy || 1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [px, py] = [x + 0.5 - a[0], y + 0.5 - a[1]];
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const away = Math.hypot(px - along * dx, py - along * dy);
      const ink = Math.min(1, Math.max(0, radius + 0.75 - away));
      const i = y * width + x;
      out[i] = sign > 0 ? Math.max(out[i]!, ink) : Math.min(out[i]!, 1 - ink);
    }
  return out;
}

/** The picture moved so that its centre of mass is in the middle, as the digits of MNIST are. */
export function centred(item: Float32Array, shape: number[]): Float32Array {
  const [height, width] = [shape[1]!, shape[2]!];
  let [mass, sx, sy] = [0, 0, 0];
  for (let i = 0; i < item.length; i++) {
    mass += item[i]!;
    sx += item[i]! * (i % width);
    sy += item[i]! * Math.floor(i / width);
  }
  if (mass === 0) return item;
  const [dx, dy] = [Math.round((width - 1) / 2 - sx / mass), Math.round((height - 1) / 2 - sy / mass)];
  const out = new Float32Array(item.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [fx, fy] = [x - dx, y - dy];
      if (fx >= 0 && fy >= 0 && fx < width && fy < height) out[y * width + x] = item[fy * width + fx]!;
    }
  return out;
}
