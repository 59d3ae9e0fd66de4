// Layers added and taken away in the picture: entries of the encoder's list in the recipe.

import { t } from "../i18n/index.svelte";
import { numbersOf, type Band } from "../hourglass/geometry";
import type { Recipe, Tree } from "../api/types";
import { app } from "../state/app.svelte";
import { lab } from "../state/lab.svelte";

/** The key of the list that holds a network's layers, e.g. "layers" for a dense one. */
export function listKey(network: Tree): "layers" | "channels" | null {
  const kind = String(network["kind"]);
  if (kind === "dense") return "layers";
  return ["conv", "residual", "temporal"].includes(kind) ? "channels" : null;
}

export const widths = (network: Tree): number[] => {
  const key = listKey(network);
  return key ? ((network[key] as number[] | undefined) ?? []) : [];
};

function put(list: number[]): void {
  const key = listKey(lab.recipe.encoder);
  if (!key) return;
  const recipe: Recipe = { ...lab.recipe, encoder: { ...lab.recipe.encoder, [key]: list } };
  lab.set(recipe);
}

export function addLayer(at: number, width: number, after: Band, before: Band): void {
  const list = widths(lab.recipe.encoder);
  const place = Math.min(Math.max(0, at), list.length);
  let made = width;
  if (listKey(lab.recipe.encoder) === "channels") {
    // A grid's new stage has channels between its neighbours', or twice those before the waist.
    const left = list[place - 1] ?? Math.max(8, Math.round((list[place] ?? 32) / 2));
    made = list[place] === undefined ? Math.min(512, left * 2) : Math.round(Math.sqrt(left * list[place]!));
  }
  put([...list.slice(0, place), Math.max(1, made), ...list.slice(place)]);
  lab.selected = { network: "encoder", index: place };
  app.say(t("layer.added", { n: numbersOf([made]), a: numbersOf(after.shape), b: numbersOf(before.shape) }));
}

export function removeLayer(index: number): void {
  const list = widths(lab.recipe.encoder);
  const least = listKey(lab.recipe.encoder) === "channels" ? 1 : 0;
  if (index < 0 || index >= list.length || list.length <= least) return;
  put(list.filter((_, i) => i !== index));
  lab.selected = null;
  app.say(t("layer.removed"));
}

export function setWidth(index: number, width: number): void {
  const list = [...widths(lab.recipe.encoder)];
  if (index < 0 || index >= list.length || !(width >= 1)) return;
  list[index] = Math.round(width);
  put(list);
}
