// Items of data sets and their principal components, fetched once.

import { pack } from "../api/client";
import type { Modality } from "../api/types";
import type { Pca } from "../maths/pca";

export interface Items {
  name: string;
  part: "train" | "test";
  total: number;
  from: number;
  shape: number[];
  modality: Modality;
  classes: string[];
  /** Network inputs, item after item. */
  values: Float32Array;
  labels: Int16Array | null;
  count: number;
}

interface ItemsMeta {
  part: "train" | "test";
  total: number;
  from: number;
  shape: number[];
  modality: Modality;
  classes: string[];
}

const held = new Map<string, Promise<Items>>();
const bases = new Map<string, Promise<Pca>>();

export function items(name: string, part: "train" | "test", from: number, count: number): Promise<Items> {
  const path = `/data/${encodeURIComponent(name)}/items?part=${part}&from=${from}&count=${count}`;
  return remembered(held, path, async () => {
    const got = await pack(path);
    const meta = got.said<ItemsMeta>();
    const raw = got.array("values");
    const values = raw instanceof Uint8Array ? Float32Array.from(raw, (v) => v / 255) : got.floats("values");
    const labels = got.has("labels") ? (got.array("labels") as Int16Array) : null;
    return { ...meta, name, values, labels, count: got.shape("values")[0]! };
  });
}

/** One item by its place in its part. */
export async function item(name: string, part: "train" | "test", place: number): Promise<Float32Array> {
  const block = 64;
  const from = Math.floor(place / block) * block;
  return cut(await items(name, part, from, block), place - from);
}

export function cut(from: Items, index: number): Float32Array {
  const many = from.shape.reduce((a, b) => a * b, 1);
  return from.values.slice(index * many, (index + 1) * many);
}

export function pca(name: string): Promise<Pca> {
  return remembered(bases, name, async () => {
    const got = await pack(`/data/${encodeURIComponent(name)}/pca`);
    const { points, files } = got.said<{ points: [number, number][]; files: Record<string, number> }>();
    return { points, files, mean: got.floats("mean"), basis: got.floats("basis"), rows: got.shape("basis")[0]! };
  });
}

function remembered<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let found = map.get(key);
  if (!found) {
    found = make();
    map.set(key, found);
    // What failed is tried again the next time.
    found.catch(() => map.delete(key));
  }
  return found;
}
