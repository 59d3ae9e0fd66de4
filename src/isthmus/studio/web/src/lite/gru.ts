// Gated recurrent units as torch.nn.GRU has them: gates in the order reset, update, new.

import { sigmoid } from "./activations";
import type { LayerSpec, Shape } from "./graph";
import type { Context, Step } from "./layers";
import { dense, transposed } from "./product";

/** One direction of one layer: inputs (steps x width) -> states (steps x hidden), each at its step. */
function direction(c: Context, suffix: string, width: number, hidden: number) {
  const read = (name: string) => c.floats(`gru.${name}_${suffix}`);
  const [wi, wh, bi, bh] = [read("weight_ih"), read("weight_hh"), read("bias_ih"), read("bias_hh")];
  const gi = new Float32Array(3 * hidden);
  const gh = new Float32Array(3 * hidden);
  return (inputs: Float32Array, steps: number, backwards: boolean): Float32Array => {
    const out = new Float32Array(steps * hidden);
    let state: Float32Array = new Float32Array(hidden);
    for (let k = 0; k < steps; k++) {
      const s = backwards ? steps - 1 - k : k;
      dense(wi, bi, inputs.subarray(s * width, (s + 1) * width), 3 * hidden, width, gi);
      dense(wh, bh, state, 3 * hidden, hidden, gh);
      const next = out.subarray(s * hidden, (s + 1) * hidden);
      for (let j = 0; j < hidden; j++) {
        const reset = sigmoid(gi[j]! + gh[j]!);
        const update = sigmoid(gi[hidden + j]! + gh[hidden + j]!);
        const fresh = Math.tanh(gi[2 * hidden + j]! + reset * gh[2 * hidden + j]!);
        next[j] = (1 - update) * fresh + update * state[j]!;
      }
      state = next;
    }
    return out;
  };
}

/** (channels, steps) -> the last state of the top layer, both directions joined. */
export function gruEncoder(l: LayerSpec, input: Shape, c: Context): Step {
  const [channels, steps] = [input[0]!, input[1]!];
  const hidden = l.hidden!;
  const ways = l.bidirectional ? 2 : 1;
  const parts = Array.from({ length: l.depth ?? 1 }, (_, level) =>
    Array.from({ length: ways }, (_, way) =>
      direction(c, `l${level}${way ? "_reverse" : ""}`, level ? ways * hidden : channels, hidden),
    ),
  );
  return (x) => {
    let sequence = transposed(x, channels, steps);
    let states: Float32Array[] = [];
    for (const pair of parts) {
      states = pair.map((run, way) => run(sequence, steps, way === 1));
      sequence = new Float32Array(steps * ways * hidden);
      for (let s = 0; s < steps; s++)
        for (let way = 0; way < ways; way++)
          sequence.set(states[way]!.subarray(s * hidden, (s + 1) * hidden), (s * ways + way) * hidden);
    }
    const out = new Float32Array(ways * hidden);
    out.set(states[0]!.subarray((steps - 1) * hidden));
    if (ways === 2) out.set(states[1]!.subarray(0, hidden), hidden);
    return out;
  };
}

/** A vector, the input of every step -> (hidden, steps). */
export function gruDecoder(l: LayerSpec, input: Shape, c: Context): Step {
  const hidden = l.hidden!;
  const steps = l.steps!;
  const width = input[0]!;
  const parts = Array.from({ length: l.depth ?? 1 }, (_, level) =>
    direction(c, `l${level}`, level ? hidden : width, hidden),
  );
  return (x) => {
    let sequence: Float32Array = new Float32Array(steps * width);
    for (let s = 0; s < steps; s++) sequence.set(x, s * width);
    for (const run of parts) sequence = run(sequence, steps, false);
    return transposed(sequence, steps, hidden);
  };
}
