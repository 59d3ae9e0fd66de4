// Which values each band of the hourglass shows: those of the runtime's layer of the same order.

import { numbersOf, WEIGHTED, type Band } from "../hourglass/geometry";
import type { LiteModel } from "../lite/model";
import type { Trace } from "../lite/network";
import type { Shown } from "../state/bench.svelte";

/** What each weighted layer leaves after its bend: the last value before the next weighted layer. */
export function afterBends(traces: Trace[]): Trace[] {
  const out: Trace[] = [];
  for (const trace of traces) {
    if (WEIGHTED.includes(trace.layer.kind)) out.push(trace);
    else if (out.length && trace.layer.kind !== "Reshape" && trace.layer.kind !== "Flatten")
      out[out.length - 1] = { ...trace, index: out.at(-1)!.index };
  }
  return out;
}

export function alive(bands: Band[], model: LiteModel, shown: Shown, loose: boolean): Map<string, Float32Array> {
  const traces = model.traces();
  const encoder = afterBends(traces.encoder);
  const decoder = afterBends(traces.decoder);
  const out = new Map<string, Float32Array>();
  for (const band of bands) {
    if (band.kind === "input") out.set(band.key, shown.input);
    else if (band.kind === "output") out.set(band.key, shown.output);
    else {
      const trace = (band.network === "encoder" ? encoder : decoder)[band.order];
      // A shipped model may have layers of other sizes than the recipe's: "loose" lets them stand in.
      if (trace && (loose || trace.values.length === numbersOf(band.shape))) out.set(band.key, trace.values);
    }
  }
  return out;
}
