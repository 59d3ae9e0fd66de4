// Reading and changing a place in a recipe by its dotted key; a change makes a new tree.

import type { Json, Recipe, Tree } from "../api/types";

export function at(tree: Json, key: string): Json | undefined {
  let value: Json | undefined = tree;
  for (const part of key.split(".")) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
    value = value[part];
  }
  return value;
}

export function changed(tree: Tree, key: string, value: Json): Tree {
  const [first, ...rest] = key.split(".") as [string, ...string[]];
  if (!rest.length) return { ...tree, [first]: value };
  return { ...tree, [first]: changed((tree[first] ?? {}) as Tree, rest.join("."), value) };
}

export const changedRecipe = (recipe: Recipe, key: string, value: Json): Recipe =>
  changed(recipe, key, value) as Recipe;

export const kindOf = (section: Json | undefined): string =>
  section && typeof section === "object" && !Array.isArray(section) ? String(section["kind"] ?? "") : "";
