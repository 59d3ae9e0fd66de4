// How much training has changed each layer: mean |change of a weight| / mean |weight|.

import type { LiteModel } from "./model";

const WEIGHTED = ["Linear", "Conv", "ConvTranspose"];
/** Every so-manyth weight is looked at: a mean needs no more. */
const LOOKED = 4096;

/** By "encoder-0", "encoder-1", … in the order of the weighted layers. */
export function updates(before: LiteModel, after: LiteModel): Map<string, number> {
  const out = new Map<string, number>();
  for (const network of ["encoder", "decoder"] as const) {
    let order = 0;
    after.graph[network].layers.forEach((layer, i) => {
      if (layer.kind === "TiedLinear") order++;
      if (!WEIGHTED.includes(layer.kind)) return;
      const name = `${network}.layers.${i}.weight`;
      const [old, now] = [before.floats(name), after.floats(name)];
      if (old && now && old.length === now.length) out.set(`${network}-${order}`, relative(old, now));
      order++;
    });
  }
  return out;
}

function relative(old: Float32Array, now: Float32Array): number {
  const step = Math.max(1, Math.floor(now.length / LOOKED));
  let [moved, size] = [0, 1e-12];
  for (let i = 0; i < now.length; i += step) {
    moved += Math.abs(now[i]! - old[i]!);
    size += Math.abs(now[i]!);
  }
  return moved / size;
}
