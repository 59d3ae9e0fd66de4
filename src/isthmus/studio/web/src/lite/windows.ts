// Convolution and its transpose as one matrix product each; pooling, growing, shuffling of grids.

import { size, type LayerSpec, type Shape } from "./graph";
import { fold, product, transposed, unfold, type Window } from "./product";

export type Step = (x: Float32Array) => Float32Array;

/** Axes of a grid as (height, width): a sequence is one row high. */
const plane = (shape: Shape): [number, number] =>
  shape.length >= 3 ? [shape[1]!, shape[2]!] : [1, shape[1] ?? 1];

function windowOf(channels: number, input: Shape, output: Shape, layer: LayerSpec, dilation: number): Window {
  const [height, width] = plane(input);
  const [outHeight, outWidth] = plane(output);
  const flat = input.length < 3;
  const { kernel = 3, stride = 1 } = layer;
  const padding = Math.floor((dilation * (kernel - 1)) / 2);
  return {
    channels,
    height,
    width,
    kernelHeight: flat ? 1 : kernel,
    kernelWidth: kernel,
    strideHeight: flat ? 1 : stride,
    strideWidth: stride,
    padHeight: flat ? 0 : padding,
    padWidth: padding,
    dilationHeight: flat ? 1 : dilation,
    dilationWidth: dilation,
    outHeight,
    outWidth,
  };
}

export function conv(layer: LayerSpec, input: Shape, output: Shape, weight: Float32Array, bias: Float32Array | null): Step {
  const w = windowOf(input[0]!, input, output, layer, layer.dilation ?? 1);
  const inner = input[0]! * w.kernelHeight * w.kernelWidth;
  const points = w.outHeight * w.outWidth;
  const columns = new Float32Array(inner * points);
  const out = new Float32Array(output[0]! * points);
  return (x) => {
    unfold(w, x, columns);
    product(weight, columns, output[0]!, inner, points, out, bias);
    return out;
  };
}

/** One product, whose columns are added back where they overlap. */
export function convTranspose(
  layer: LayerSpec,
  input: Shape,
  output: Shape,
  weight: Float32Array,
  bias: Float32Array | null,
): Step {
  // The window of the convolution that this layer undoes: from the large grid to the small one.
  const w = windowOf(output[0]!, output, input, layer, 1);
  const inner = output[0]! * w.kernelHeight * w.kernelWidth;
  const points = w.outHeight * w.outWidth;
  const turned = transposed(weight, input[0]!, inner);
  const columns = new Float32Array(inner * points);
  const area = w.height * w.width;
  const out = new Float32Array(output[0]! * area);
  return (x) => {
    product(turned, x, inner, input[0]!, points, columns, null);
    for (let c = 0; c < output[0]!; c++) out.fill(bias ? bias[c]! : 0, c * area, (c + 1) * area);
    fold(w, columns, out);
    return out;
  };
}

/** Largest or mean value of each patch; the last patch may be partial. */
export function pool(layer: LayerSpec, input: Shape, output: Shape): Step {
  const [height, width] = plane(input);
  const [outHeight, outWidth] = plane(output);
  const factor = layer.factor ?? 2;
  const tall = input.length < 3 ? 1 : factor;
  const out = new Float32Array(size(output));
  const largest = layer.how === "max";
  return (x) => {
    for (let c = 0, to = 0; c < input[0]!; c++)
      for (let oy = 0; oy < outHeight; oy++)
        for (let ox = 0; ox < outWidth; ox++, to++) {
          let best = -Infinity;
          let sum = 0;
          let count = 0;
          for (let iy = oy * tall; iy < Math.min((oy + 1) * tall, height); iy++)
            for (let ix = ox * factor; ix < Math.min((ox + 1) * factor, width); ix++, count++) {
              const v = x[(c * height + iy) * width + ix]!;
              if (v > best) best = v;
              sum += v;
            }
          out[to] = largest ? best : sum / count;
        }
    return out;
  };
}

/** Nearest-neighbour growth. */
export function upsample(input: Shape, output: Shape): Step {
  const [height, width] = plane(input);
  const [outHeight, outWidth] = plane(output);
  const out = new Float32Array(size(output));
  return (x) => {
    for (let c = 0, to = 0; c < input[0]!; c++)
      for (let y = 0; y < outHeight; y++) {
        const from = (c * height + Math.floor((y * height) / outHeight)) * width;
        for (let at = 0; at < outWidth; at++, to++) out[to] = x[from + Math.floor((at * width) / outWidth)]!;
      }
    return out;
  };
}

/** Space to depth (``down``) or back, channel order as torch's pixel shuffle. */
export function shuffle(side: number, input: Shape, output: Shape, down: boolean): Step {
  const [fine, coarse] = down ? [input, output] : [output, input];
  const out = new Float32Array(size(output));
  const pairs = new Int32Array(size(fine));
  for (let c = 0, at = 0; c < fine[0]!; c++)
    for (let y = 0; y < fine[1]!; y++)
      for (let x = 0; x < fine[2]!; x++, at++) {
        const channel = (c * side + (y % side)) * side + (x % side);
        pairs[at] = (channel * coarse[1]! + Math.floor(y / side)) * coarse[2]! + Math.floor(x / side);
      }
  return (x) => {
    if (down) for (let i = 0; i < pairs.length; i++) out[pairs[i]!] = x[i]!;
    else for (let i = 0; i < pairs.length; i++) out[i] = x[pairs[i]!]!;
    return out;
  };
}
