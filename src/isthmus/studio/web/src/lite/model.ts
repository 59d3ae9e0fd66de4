// A trained model in the browser: a network input in, its code, an item out (also in network units).

import { sigmoid } from "./activations";
import { buildBottleneck } from "./bottleneck";
import { size, type Graph } from "./graph";
import { buildNetwork, type Trace } from "./network";
import { readPack } from "./safetensors";

export interface Passed {
  code: Float32Array;
  output: Float32Array;
}

export interface LiteModel {
  graph: Graph;
  numbers: number;
  /** Whether paths go round the waist, so that a code alone does not rebuild an item. */
  skips: boolean;
  encode(x: Float32Array): Float32Array;
  decode(code: Float32Array): Float32Array;
  pass(x: Float32Array): Passed;
  traces(): { encoder: Trace[]; decoder: Trace[] };
  /** Weights by name, or null: for the view that spells a number out. */
  floats(name: string): Float32Array | null;
}

/** The model of a weights pack. Throws in words on what it cannot run. */
export function loadModel(buffer: ArrayBuffer): LiteModel {
  const pack = readPack(buffer);
  const graph = pack.said<Graph>("graph");
  if (!graph.encoder) throw new Error("the weights come without their plan");
  const encoder = buildNetwork("encoder", graph.encoder, pack);
  const squeeze = buildBottleneck(graph, pack);
  const decoder = buildNetwork("decoder", graph.decoder, pack, encoder.ties);
  const many = size(graph.item);

  const seen = (x: Float32Array): Float32Array => {
    // A task may show more channels than the item has; what it does not know is zero.
    if (size(graph.view) === x.length) return x;
    const view = new Float32Array(size(graph.view));
    view.set(x);
    return view;
  };
  const shown = (raw: Float32Array): Float32Array => {
    // A loss with a spread beside each value has twice the outputs: the first half is the item.
    const out = raw.slice(0, many);
    if (graph.loss.kind === "bce") for (let i = 0; i < many; i++) out[i] = sigmoid(out[i]!);
    if (graph.range) {
      const [low, high] = graph.range;
      for (let i = 0; i < many; i++) out[i] = Math.min(high, Math.max(low, out[i]!));
    }
    return out;
  };
  return {
    graph,
    numbers: size(graph.code),
    skips: graph.encoder.layers.some((layer) => layer.kind === "Keep"),
    encode: (x) => squeeze(encoder.run(seen(x))),
    decode: (code) => shown(decoder.run(code)),
    pass(x) {
      const kept: Float32Array[] = [];
      const code = squeeze(encoder.run(seen(x), kept));
      return { code, output: shown(decoder.run(code, kept)) };
    },
    traces: () => ({ encoder: encoder.traces(), decoder: decoder.traces() }),
    floats: (name) => (pack.has(name) ? pack.floats(name) : null),
  };
}
