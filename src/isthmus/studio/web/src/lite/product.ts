// The three products everything else is made of. One item at a time; all buffers are the caller's.

/** out (rows) = matrix (rows x columns) · x + bias. */
export function dense(
  matrix: Float32Array,
  bias: Float32Array | null,
  x: Float32Array,
  rows: number,
  columns: number,
  out: Float32Array,
): void {
  const even = columns - (columns % 4);
  for (let row = 0; row < rows; row++) {
    const at = row * columns;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < even; i += 4) {
      a += matrix[at + i]! * x[i]!;
      b += matrix[at + i + 1]! * x[i + 1]!;
      c += matrix[at + i + 2]! * x[i + 2]!;
      d += matrix[at + i + 3]! * x[i + 3]!;
    }
    let rest = 0;
    for (let i = even; i < columns; i++) rest += matrix[at + i]! * x[i]!;
    out[row] = a + b + c + d + rest + (bias ? bias[row]! : 0);
  }
}

/** out (rows x points) = a (rows x inner) · b (inner x points), four rows of b at a time. */
export function product(
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  points: number,
  out: Float32Array,
  bias: Float32Array | null,
): void {
  const even = inner - (inner % 4);
  for (let row = 0; row < rows; row++) {
    const to = row * points;
    out.fill(bias ? bias[row]! : 0, to, to + points);
    const from = row * inner;
    for (let k = 0; k < even; k += 4) {
      const w0 = a[from + k]!;
      const w1 = a[from + k + 1]!;
      const w2 = a[from + k + 2]!;
      const w3 = a[from + k + 3]!;
      const b0 = k * points;
      const b1 = b0 + points;
      const b2 = b1 + points;
      const b3 = b2 + points;
      for (let p = 0; p < points; p++) {
        out[to + p]! += w0 * b[b0 + p]! + w1 * b[b1 + p]! + w2 * b[b2 + p]! + w3 * b[b3 + p]!;
      }
    }
    for (let k = even; k < inner; k++) {
      const w = a[from + k]!;
      const at = k * points;
      for (let p = 0; p < points; p++) out[to + p]! += w * b[at + p]!;
    }
  }
}

/** The transpose of a (rows x columns) matrix. */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = matrix[r * columns + c]!;
  return out;
}

export interface Window {
  channels: number;
  height: number;
  width: number;
  kernelHeight: number;
  kernelWidth: number;
  strideHeight: number;
  strideWidth: number;
  padHeight: number;
  padWidth: number;
  dilationHeight: number;
  dilationWidth: number;
  outHeight: number;
  outWidth: number;
}

/** Calls back for every tap: the row of the unfolded matrix and, per output point, the input index or -1. */
function taps(w: Window, each: (row: number, oy: number, iy: number, shift: number, plane: number) => void): void {
  for (let c = 0; c < w.channels; c++) {
    for (let ky = 0; ky < w.kernelHeight; ky++) {
      for (let kx = 0; kx < w.kernelWidth; kx++) {
        const row = (c * w.kernelHeight + ky) * w.kernelWidth + kx;
        const shift = kx * w.dilationWidth - w.padWidth;
        for (let oy = 0; oy < w.outHeight; oy++) {
          const iy = oy * w.strideHeight + ky * w.dilationHeight - w.padHeight;
          each(row, oy, iy, shift, c * w.height * w.width);
        }
      }
    }
  }
}

/** (channels, height, width) -> columns (channels x kernel, out points); outside is zero. */
export function unfold(w: Window, x: Float32Array, columns: Float32Array): void {
  const points = w.outHeight * w.outWidth;
  taps(w, (row, oy, iy, shift, plane) => {
    let to = row * points + oy * w.outWidth;
    if (iy < 0 || iy >= w.height) {
      columns.fill(0, to, to + w.outWidth);
      return;
    }
    const from = plane + iy * w.width;
    for (let ox = 0; ox < w.outWidth; ox++, to++) {
      const ix = ox * w.strideWidth + shift;
      columns[to] = ix < 0 || ix >= w.width ? 0 : x[from + ix]!;
    }
  });
}

/** The adjoint of ``unfold``: columns are added back onto (channels, height, width). */
export function fold(w: Window, columns: Float32Array, x: Float32Array): void {
  const points = w.outHeight * w.outWidth;
  taps(w, (row, oy, iy, shift, plane) => {
    if (iy < 0 || iy >= w.height) return;
    let from = row * points + oy * w.outWidth;
    const to = plane + iy * w.width;
    for (let ox = 0; ox < w.outWidth; ox++, from++) {
      const ix = ox * w.strideWidth + shift;
      if (ix >= 0 && ix < w.width) x[to + ix]! += columns[from]!;
    }
  });
}
