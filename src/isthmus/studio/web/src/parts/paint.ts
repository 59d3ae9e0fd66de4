// Items onto canvases: grey, colour, or signed (blue below zero, orange above).

const ramp = (v: number, out: Uint8ClampedArray, at: number): void => {
  const strength = Math.min(1, Math.abs(v));
  const [r, g, b] = v < 0 ? [31, 95, 175] : [237, 120, 40];
  // From mid grey to the colour, so that zero is neither black nor white.
  out[at] = 128 + (r! - 128) * strength;
  out[at + 1] = 128 + (g! - 128) * strength;
  out[at + 2] = 128 + (b! - 128) * strength;
  out[at + 3] = 255;
};

export function fill(data: Uint8ClampedArray, values: Float32Array, shape: number[], signed = false): void {
  const [channels, height, width] = shape as [number, number, number];
  const area = height * width;
  let most = 1e-9;
  if (signed) for (const v of values) most = Math.max(most, Math.abs(v));
  for (let i = 0, at = 0; i < area; i++, at += 4) {
    if (signed) ramp(values[i]! / most, data, at);
    else {
      data[at] = values[i]! * 255;
      data[at + 1] = channels >= 3 ? values[area + i]! * 255 : data[at]!;
      data[at + 2] = channels >= 3 ? values[2 * area + i]! * 255 : data[at]!;
      data[at + 3] = 255;
    }
  }
}

export function paint(canvas: HTMLCanvasElement, values: Float32Array, shape: number[], signed = false): void {
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(shape[2]!, shape[1]!);
  fill(image.data, values, shape, signed);
  context.putImageData(image, 0, 0);
}

/** Many pictures as one sheet, ``columns`` to a row, on a canvas of its own. */
export function sheet(pictures: Float32Array[], shape: number[], columns: number): HTMLCanvasElement {
  const [, height, width] = shape as [number, number, number];
  const canvas = document.createElement("canvas");
  canvas.width = columns * width;
  canvas.height = Math.ceil(pictures.length / columns) * height;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  pictures.forEach((values, i) => {
    fill(image.data, values, shape);
    context.putImageData(image, (i % columns) * width, Math.floor(i / columns) * height);
  });
  return canvas;
}
