// The honest baseline: as many principal components as the code has numbers.

export interface Pca {
  /** [numbers, mean squared error on the test part]. */
  points: [number, number][];
  mean: Float32Array;
  /** (rows, D), largest variance first. */
  basis: Float32Array;
  rows: number;
  /** Bytes an item takes in a file without loss, by format; pictures only. */
  files: Record<string, number>;
}

/** An item there and back through ``numbers`` principal components. */
export function throughPca(pca: Pca, x: Float32Array, numbers: number, clip: boolean): Float32Array {
  const D = x.length;
  const out = pca.mean.slice();
  for (let k = 0; k < Math.min(numbers, pca.rows); k++) {
    const at = k * D;
    let along = 0;
    for (let i = 0; i < D; i++) along += pca.basis[at + i]! * (x[i]! - pca.mean[i]!);
    for (let i = 0; i < D; i++) out[i]! += along * pca.basis[at + i]!;
  }
  if (clip) for (let i = 0; i < D; i++) out[i] = Math.min(1, Math.max(0, out[i]!));
  return out;
}
