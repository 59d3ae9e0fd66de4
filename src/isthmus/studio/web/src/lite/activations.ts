// The bends of the recipe, in place, as torch computes them.

export const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

const GELU = Math.sqrt(2 / Math.PI);

export const ACTIVATIONS: Record<string, (v: number) => number> = {
  relu: (v) => (v > 0 ? v : 0),
  leaky_relu: (v) => (v > 0 ? v : 0.1 * v),
  gelu: (v) => 0.5 * v * (1 + Math.tanh(GELU * (v + 0.044715 * v * v * v))),
  silu: (v) => v * sigmoid(v),
  elu: (v) => (v > 0 ? v : Math.expm1(v)),
  tanh: Math.tanh,
  sigmoid,
  none: (v) => v,
};

export function bend(name: string, x: Float32Array, out: Float32Array): void {
  const f = ACTIVATIONS[name];
  if (!f) throw new Error(`no activation ${name}`);
  for (let i = 0; i < x.length; i++) out[i] = f(x[i]!);
}
