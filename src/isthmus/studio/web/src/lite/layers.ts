// One planned layer -> a function from input to output. Buffers are made once, when compiled.

import { bend } from "./activations";
import { size, type LayerSpec, type Shape } from "./graph";
import { gruDecoder, gruEncoder } from "./gru";
import { dense, transposed } from "./product";
import type { Pack } from "./safetensors";
import { conv, convTranspose, pool, shuffle, upsample, type Step } from "./windows";

export type { Step };

/** A dense layer's matrix with its rows and columns, for tied decoders. */
export type Tie = [matrix: Float32Array, rows: number, columns: number];

export interface Context {
  /** Weights by the name that follows the module's. */
  floats(name: string): Float32Array;
  has(name: string): boolean;
  ties: Tie[];
}

export const contextOf = (pack: Pack, prefix: string, ties: Tie[]): Context => ({
  floats: (name) => pack.floats(`${prefix}.${name}`),
  has: (name) => pack.has(`${prefix}.${name}`),
  ties,
});

export function linear(matrix: Float32Array, bias: Float32Array | null, rows: number, columns: number): Step {
  const out = new Float32Array(rows);
  return (x) => (dense(matrix, bias, x, rows, columns, out), out);
}

function bending(name: string, shape: Shape): Step {
  const out = new Float32Array(size(shape));
  return (x) => (bend(name, x, out), out);
}

/** The function of one layer. Skip paths (Keep, Join) are the network's business. */
export function compile(l: LayerSpec, input: Shape, output: Shape, c: Context): Step {
  const bias = () => (c.has("bias") ? c.floats("bias") : null);
  switch (l.kind) {
    case "Flatten":
    case "Reshape":
    case "Dropout":
    case "Keep":
    case "Join":
      return (x) => x;
    case "Linear":
      return linear(c.floats("weight"), bias(), output[0]!, input[0]!);
    case "TiedLinear": {
      const [matrix, rows, columns] = c.ties[l.source ?? 0]!;
      return linear(transposed(matrix, rows, columns), bias(), output[0]!, input[0]!);
    }
    case "Conv":
      return conv(l, input, output, c.floats("weight"), bias());
    case "ConvTranspose":
      return convTranspose(l, input, output, c.floats("weight"), bias());
    case "Pool":
      return pool(l, input, output);
    case "Upsample":
      return upsample(input, output);
    case "Norm":
      return norm(l.how ?? "batch", input, c, "");
    case "Activation":
      return bending(l.name ?? "relu", input);
    case "ResidualBlock":
      return residual(l, input, c);
    case "PlainBlock":
      return plain(input, c);
    case "Fold":
    case "Unfold":
      return shuffle(l.side ?? 2, input, output, l.kind === "Fold");
    case "GruEncoder":
      return gruEncoder(l, input, c);
    case "GruDecoder":
      return gruDecoder(l, input, c);
    default:
      throw new Error(`the model needs a layer that is not known here: ${l.kind}`);
  }
}

/** Scale and shift of each channel that batch normalisation comes to after training. */
export function batchAffine(c: Context, prefix: string): [Float32Array, Float32Array] {
  const mean = c.floats(`${prefix}running_mean`);
  const variance = c.floats(`${prefix}running_var`);
  const scale = c.floats(`${prefix}weight`).map((w, i) => w / Math.sqrt(variance[i]! + 1e-5));
  return [scale, c.floats(`${prefix}bias`).map((b, i) => b - mean[i]! * scale[i]!)];
}

function norm(how: string, shape: Shape, c: Context, prefix: string): Step {
  const out = new Float32Array(size(shape));
  const area = out.length / shape[0]!;
  if (how === "batch") {
    const [scale, shift] = batchAffine(c, prefix);
    return (x) => {
      for (let i = 0; i < out.length; i++) {
        const channel = Math.floor(i / area);
        out[i] = x[i]! * scale[channel]! + shift[channel]!;
      }
      return out;
    };
  }
  const scale = c.floats(`${prefix}weight`);
  const shift = c.floats(`${prefix}bias`);
  let groups = 1;
  if (how === "group") for (groups = 8; shape[0]! % groups; ) groups--;
  const many = out.length / groups;
  return (x) => {
    for (let g = 0; g < groups; g++) {
      const [from, to] = [g * many, (g + 1) * many];
      let sum = 0;
      for (let i = from; i < to; i++) sum += x[i]!;
      const mean = sum / many;
      let square = 0;
      for (let i = from; i < to; i++) square += (x[i]! - mean) ** 2;
      const factor = 1 / Math.sqrt(square / many + 1e-5);
      for (let i = from; i < to; i++) {
        const channel = Math.floor(i / area);
        out[i] = (x[i]! - mean) * factor * scale[channel]! + shift[channel]!;
      }
    }
    return out;
  };
}

/** x + conv(bend(norm(conv(bend(norm(x)))))). Names count the modules that are there. */
function residual(l: LayerSpec, shape: Shape, c: Context): Step {
  const steps: Step[] = [];
  let at = 0;
  for (const half of [0, 1]) {
    if (l.norm && l.norm !== "none") steps.push(norm(l.norm, shape, c, `body.${at++}.`));
    steps.push(bending(l.activation ?? "relu", shape));
    at++;
    const name = `body.${at++}`;
    steps.push(conv({ ...l, stride: 1 }, shape, shape, c.floats(`${name}.weight`), c.floats(`${name}.bias`)));
    if (half === 0 && (l.dropout ?? 0) > 0) at++;
  }
  return added(steps, shape);
}

function plain(shape: Shape, c: Context): Step {
  const l = { kind: "Conv", kernel: 3 };
  return added(
    [
      conv(l, shape, shape, c.floats("first.weight"), null),
      bending("relu", shape),
      conv(l, shape, shape, c.floats("second.weight"), null),
    ],
    shape,
  );
}

function added(steps: Step[], shape: Shape): Step {
  const out = new Float32Array(size(shape));
  return (x) => {
    const y = steps.reduce((value, step) => step(value), x);
    for (let i = 0; i < out.length; i++) out[i] = x[i]! + y[i]!;
    return out;
  };
}
