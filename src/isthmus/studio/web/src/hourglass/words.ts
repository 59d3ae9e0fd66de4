// What a band is called, short under the picture and whole for a screen reader.

import type { Check, LayerRow } from "../api/types";
import { maybe, number, t } from "../i18n/index.svelte";
import { numbersOf, type Band } from "./geometry";

const ACTIVATIONS: Record<string, string> = {
  relu: "ReLU",
  leaky_relu: "leaky ReLU",
  gelu: "GELU",
  silu: "SiLU",
  elu: "ELU",
  tanh: "tanh",
  sigmoid: "sigmoid",
};

/** The bend that follows a weighted row, if there is one before the next weighted row. */
function bendAfter(plan: Check, row: LayerRow): string {
  const from = plan.layers.indexOf(row);
  for (const next of plan.layers.slice(from + 1)) {
    if (next.network !== row.network || next.parameters > 2 * (next.input[0] ?? 0)) return "";
    if (next.layer === "Activation") return ACTIVATIONS[next.name ?? ""] ?? "";
  }
  return "";
}

const kernelOf = (row: LayerRow): string =>
  row.kernel ? (row.output.length > 2 ? `${row.kernel}×${row.kernel}` : String(row.kernel)) : "";

export function bandNote(band: Band, plan: Check, many: number): string {
  if (band.kind === "input") return t("hourglass.in");
  if (band.kind === "output") return t("hourglass.out");
  if (band.role === "code") return maybe(`bottleneck.${band.kind}`, band.kind);
  const name = maybe(`layer.${band.kind}`, band.kind);
  // Many bands leave little room for words.
  if (many > 9) return name;
  const parts = [name, band.row ? kernelOf(band.row) : ""].filter(Boolean).join(" ");
  const bend = band.row && many <= 7 ? bendAfter(plan, band.row) : "";
  return bend ? `${parts} · ${bend}` : parts;
}

export function bandLabel(band: Band): string {
  const shape = band.shape.length > 1 && band.shape[0]! > 1 ? band.shape.join(" × ") : number(numbersOf(band.shape));
  const name =
    band.kind === "input"
      ? t("hourglass.in")
      : band.kind === "output"
        ? t("hourglass.out")
        : band.role === "code"
          ? t("hourglass.code")
          : maybe(`layer.${band.kind}`, band.kind);
  return t("hourglass.band", { name, shape, weights: band.weights });
}
