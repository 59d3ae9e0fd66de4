// One number of a layer spelled out: which inputs it adds up, and with what weights.

import type { LiteModel } from "./model";
import type { Trace } from "./network";

export interface Spelled {
  /** The terms that matter most, largest first. */
  terms: { weight: number; input: number }[];
  rest: number;
  restSum: number;
  bias: number | null;
  value: number;
}

const SHOWN = 5;

/** Null for layers that are not sums (bends, pooling), or where batch normalisation was folded in. */
export function spell(model: LiteModel, network: "encoder" | "decoder", trace: Trace, neuron: number): Spelled | null {
  const name = `${network}.layers.${trace.index}`;
  const all = model.traces()[network];
  const input = trace.index ? all[trace.index - 1]?.values : null;
  const following = all[trace.index + 1]?.layer;
  if (!input || (following?.kind === "Norm" && following.how === "batch")) return null;
  if (trace.layer.kind !== "Linear" && trace.layer.kind !== "Conv") return null;
  const weight = model.floats(`${name}.weight`);
  const bias = model.floats(`${name}.bias`);
  if (!weight) return null;
  const pairs = trace.layer.kind === "Linear" ? dense(weight, input, neuron) : windowed(weight, input, trace, neuron);
  const output = trace.layer.kind === "Linear" ? neuron : Math.floor(neuron / area(trace));
  const sorted = pairs.sort((a, b) => Math.abs(b.weight * b.input) - Math.abs(a.weight * a.input));
  const rest = sorted.slice(SHOWN);
  return {
    terms: sorted.slice(0, SHOWN),
    rest: rest.length,
    restSum: rest.reduce((sum, term) => sum + term.weight * term.input, 0),
    bias: bias ? bias[output]! : null,
    value: trace.values[neuron]!,
  };
}

const area = (trace: Trace): number => trace.shape.slice(1).reduce((a, b) => a * b, 1);

function dense(weight: Float32Array, input: Float32Array, neuron: number) {
  return Array.from(input, (value, i) => ({ weight: weight[neuron * input.length + i]!, input: value }));
}

function windowed(weight: Float32Array, input: Float32Array, trace: Trace, neuron: number) {
  const { kernel = 3, stride = 1, dilation = 1 } = trace.layer;
  const flat = trace.shape.length < 3;
  const [channels, height, width] = flat ? [trace.input[0]!, 1, trace.input[1]!] : (trace.input as [number, number, number]);
  const outWidth = trace.shape.at(-1)!;
  const place = neuron % area(trace);
  const [oy, ox] = [flat ? 0 : Math.floor(place / outWidth), place % outWidth];
  const pad = Math.floor((dilation * (kernel - 1)) / 2);
  const tall = flat ? 1 : kernel;
  const from = Math.floor(neuron / area(trace)) * channels * tall * kernel;
  const pairs: { weight: number; input: number }[] = [];
  for (let c = 0; c < channels; c++)
    for (let ky = 0; ky < tall; ky++)
      for (let kx = 0; kx < kernel; kx++) {
        const y = flat ? 0 : oy * stride + ky * dilation - pad;
        const x = ox * stride + kx * dilation - pad;
        const inside = y >= 0 && x >= 0 && y < height && x < width;
        pairs.push({
          weight: weight[from + (c * tall + ky) * kernel + kx]!,
          input: inside ? input[(c * height + y) * width + x]! : 0,
        });
      }
  return pairs;
}
