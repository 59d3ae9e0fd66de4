// How far apart two items are, as the library measures it (isthmus.metrics).

export function mse(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}

/** Decibels for values in 0..1; equal pictures are infinitely good. */
export const psnrOf = (error: number): number => -10 * Math.log10(error);

/** Structural similarity (Wang et al. 2004) of pictures (channels, height, width) in 0..1. */
export function ssim(a: Float32Array, b: Float32Array, shape: number[]): number {
  const [channels, height, width] = shape as [number, number, number];
  let side = Math.min(11, height, width);
  if (side % 2 === 0) side--;
  const taps = Array.from({ length: side }, (_, i) => Math.exp(-((i - (side >> 1)) ** 2) / (2 * 1.5 ** 2)));
  const total = taps.reduce((x, y) => x + y, 0);
  const kernel = taps.map((tap) => tap / total);
  let sum = 0;
  for (let c = 0; c < channels; c++) {
    const from = c * height * width;
    const x = a.subarray(from, from + height * width);
    const y = b.subarray(from, from + height * width);
    sum += plane(x, y, height, width, kernel);
  }
  return sum / channels;
}

function plane(x: Float32Array, y: Float32Array, height: number, width: number, kernel: number[]): number {
  const blur = (of: (i: number) => number) => blurred(of, height, width, kernel);
  const mx = blur((i) => x[i]!);
  const my = blur((i) => y[i]!);
  const xx = blur((i) => x[i]! * x[i]!);
  const yy = blur((i) => y[i]! * y[i]!);
  const xy = blur((i) => x[i]! * y[i]!);
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [p, q] = [mx[i]!, my[i]!];
    const contrast = (2 * (xy[i]! - p * q) + c2) / (xx[i]! - p * p + yy[i]! - q * q + c2);
    sum += ((2 * p * q + c1) / (p * p + q * q + c1)) * contrast;
  }
  return sum / mx.length;
}

function blurred(of: (i: number) => number, height: number, width: number, kernel: number[]): Float64Array {
  const side = kernel.length;
  const [outHeight, outWidth] = [height - side + 1, width - side + 1];
  const across = new Float64Array(height * outWidth);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let k = 0; k < side; k++) sum += kernel[k]! * of(y * width + x + k);
      across[y * outWidth + x] = sum;
    }
  const out = new Float64Array(outHeight * outWidth);
  for (let y = 0; y < outHeight; y++)
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let k = 0; k < side; k++) sum += kernel[k]! * across[(y + k) * outWidth + x]!;
      out[y * outWidth + x] = sum;
    }
  return out;
}

/** What the code of an item takes: words and rounded numbers cost bits, real numbers four bytes each. */
export const bytesOf = (numbers: number, bits: number | null): number => (bits === null ? 4 * numbers : bits / 8);
