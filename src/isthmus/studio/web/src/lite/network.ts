// A planned network that runs: its layers in a row, skip paths, and the straight line beside them.

import { size, type LayerSpec, type NetworkSpec, type Shape } from "./graph";
import { batchAffine, compile, contextOf, linear, type Context, type Step, type Tie } from "./layers";
import type { Pack } from "./safetensors";

/** What a layer has made of the present item: overwritten by the next run. */
export interface Trace {
  layer: LayerSpec;
  index: number;
  input: Shape;
  shape: Shape;
  values: Float32Array;
}

export interface Network {
  run(x: Float32Array, kept?: Float32Array[]): Float32Array;
  traces(): Trace[];
  ties: Tie[];
}

export function buildNetwork(
  role: "encoder" | "decoder",
  spec: NetworkSpec,
  pack: Pack,
  ties: Tie[] = [],
): Network {
  const own: Tie[] = [];
  const steps: Step[] = [];
  spec.layers.forEach((layer, i) => {
    const [input, output] = [spec.shapes[i]!, spec.shapes[i + 1]!];
    const context = contextOf(pack, `${role}.layers.${i}`, ties);
    if (layer.kind === "Linear") own.push([context.floats("weight"), output[0]!, input[0]!]);
    const before = spec.layers[i - 1];
    const next = spec.layers[i + 1];
    if (normalises(layer) && before && weighted(before)) steps.push((x) => x);
    else if (next && normalises(next) && weighted(layer))
      steps.push(compile(layer, input, output, folded(layer, context, contextOf(pack, `${role}.layers.${i + 1}`, []), pack.shape(`${role}.layers.${i}.weight`))));
    else steps.push(compile(layer, input, output, context));
  });
  const side = spec.line ? straight(role, spec, pack) : null;
  const outputs: Float32Array[] = [];

  function run(x: Float32Array, kept?: Float32Array[]): Float32Array {
    let y = side ? side.begin(x) : x;
    spec.layers.forEach((layer, i) => {
      if (layer.kind === "Join") {
        const aside = kept?.pop();
        if (aside) y = y.map((v, k) => v + aside[k]!);
      } else y = steps[i]!(y);
      if (layer.kind === "Keep") kept?.push(y.slice());
      outputs[i] = y;
    });
    return side ? side.end(x, y) : y;
  }
  const traces = () =>
    outputs.map((values, index) => ({
      layer: spec.layers[index]!,
      index,
      input: spec.shapes[index]!,
      shape: spec.shapes[index + 1]!,
      values,
    }));
  return { run, traces, ties: own };
}

const weighted = (layer: LayerSpec): boolean => ["Linear", "Conv", "ConvTranspose"].includes(layer.kind);
const normalises = (layer: LayerSpec): boolean => layer.kind === "Norm" && (layer.how ?? "batch") === "batch";

/** Batch normalisation right after a weighted layer becomes part of its weights. */
function folded(layer: LayerSpec, context: Context, norm: Context, shape: Shape): Context {
  const [scale, shift] = batchAffine(norm, "");
  const outputs = scale.length;
  // A transposed convolution has its outputs on the second axis.
  const turned = layer.kind === "ConvTranspose";
  const inner = size(shape) / outputs / (turned ? shape[0]! : 1);
  const weight = context.floats("weight").map((w, k) => w * scale[Math.floor(k / inner) % outputs]!);
  const bias = context.has("bias") ? context.floats("bias") : new Float32Array(outputs);
  const moved = bias.map((b, k) => b * scale[k]! + shift[k]!);
  return { ...context, has: () => true, floats: (name) => (name === "weight" ? weight : moved) };
}

/** The straight line beside the layers, and the centring of what they see. */
function straight(role: string, spec: NetworkSpec, pack: Pack) {
  const [inputs, outputs] = [size(spec.shapes[0]!), size(spec.shapes.at(-1)!)];
  const line = linear(pack.floats(`${role}.line.weight`), pack.floats(`${role}.line.bias`), outputs, inputs);
  const center = pack.floats(`${role}.center`);
  const spread = pack.floats(`${role}.spread`)[0]!;
  const begun = new Float32Array(inputs);
  const summed = new Float32Array(outputs);
  return {
    begin(x: Float32Array): Float32Array {
      for (let i = 0; i < inputs; i++) begun[i] = (x[i]! - center[i]!) / spread;
      return begun;
    },
    end(x: Float32Array, y: Float32Array): Float32Array {
      const z = line(x);
      for (let i = 0; i < outputs; i++) summed[i] = y[i]! + z[i]!;
      return summed;
    },
  };
}
