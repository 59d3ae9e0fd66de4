// What passes the strip when a model is used, not trained: isthmus.bottlenecks in evaluation.

import { sigmoid } from "./activations";
import { size, type Graph } from "./graph";
import type { Pack } from "./safetensors";
import type { Step } from "./windows";

export function buildBottleneck(graph: Graph, pack: Pack): Step {
  const spec = graph.bottleneck;
  const code = size(graph.code);
  const channels = graph.code[0]!;
  const points = code / channels;
  switch (spec.kind) {
    case "simplex":
      return (x) => softmax(x, channels, points);
    case "sparse":
      if (spec["penalty"] === "kl") return (x) => x.map(sigmoid);
      if (spec["penalty"] === "topk") return (x) => largest(x, Number(spec["k"] ?? 8));
      return (x) => x.slice();
    case "variational":
      return (x) => x.slice(0, code);
    case "vector_quantized":
      return quantiser(pack, channels, points);
    case "finite_scalar": {
      const count = Number(spec["levels"] ?? 8);
      return (x) => x.map((v) => (Math.round(((Math.tanh(v) + 1) * (count - 1)) / 2) * 2) / (count - 1) - 1);
    }
    case "entropy_coded": {
      const step = pack.floats("bottleneck.log_step").map(Math.exp);
      return (x) => x.map((v, i) => Math.round(v / step[Math.floor(i / points)]!) * step[Math.floor(i / points)]!);
    }
    default:
      return (x) => x.slice();
  }
}

function softmax(x: Float32Array, channels: number, points: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let p = 0; p < points; p++) {
    let top = -Infinity;
    for (let c = 0; c < channels; c++) top = Math.max(top, x[c * points + p]!);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += out[c * points + p] = Math.exp(x[c * points + p]! - top);
    for (let c = 0; c < channels; c++) out[c * points + p]! /= sum;
  }
  return out;
}

function largest(x: Float32Array, k: number): Float32Array {
  const order = Array.from(x.keys()).sort((a, b) => Math.abs(x[b]!) - Math.abs(x[a]!));
  const out = new Float32Array(x.length);
  for (const i of order.slice(0, k)) out[i] = x[i]!;
  return out;
}

/** Channels in groups; each group becomes the sum over levels of the nearest entry of what remains. */
function quantiser(pack: Pack, channels: number, points: number): Step {
  const books = pack.floats("bottleneck.codebooks");
  const [levels, entries, width] = pack.shape("bottleneck.codebooks") as [number, number, number];
  return (x) => {
    const out = new Float32Array(x.length);
    const rest = new Float32Array(width);
    for (let p = 0; p < points; p++)
      for (let g = 0; g < channels / width; g++) {
        const at = (i: number) => (g * width + i) * points + p;
        for (let i = 0; i < width; i++) rest[i] = x[at(i)]!;
        for (let level = 0; level < levels; level++) {
          const from = (level * entries + nearest(books, level * entries * width, entries, width, rest)) * width;
          for (let i = 0; i < width; i++) {
            out[at(i)]! += books[from + i]!;
            rest[i]! -= books[from + i]!;
          }
        }
      }
    return out;
  };
}

function nearest(book: Float32Array, from: number, entries: number, width: number, x: Float32Array): number {
  let best = 0;
  let least = Infinity;
  for (let e = 0; e < entries; e++) {
    let d = 0;
    for (let i = 0; i < width; i++) d += (x[i]! - book[from + e * width + i]!) ** 2;
    if (d < least) {
      least = d;
      best = e;
    }
  }
  return best;
}
