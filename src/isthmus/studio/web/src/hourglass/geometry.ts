// Where every band of the hourglass lies. Height by the square root of what passes: with a
// logarithm, 64 of 784 still gets three fifths of the height, and the picture is no hourglass.

import type { Check, LayerRow } from "../api/types";

export interface Band {
  key: string;
  role: "enc" | "code" | "dec";
  network: "encoder" | "bottleneck" | "decoder";
  /** Which entry of the recipe's list of layers this is, or -1. */
  index: number;
  /** How many weighted layers of its network come before this one: pairs it with the runtime's. */
  order: number;
  shape: number[];
  kind: string;
  row: LayerRow | null;
  weights: number;
}

/** A band with its place: ``along`` the flow, ``breadth`` across it. */
export interface Placed extends Band {
  along: number;
  thick: number;
  breadth: number;
}

export const WEIGHTED = ["Linear", "TiedLinear", "Conv", "ConvTranspose", "GruEncoder", "GruDecoder"];
const TALLEST = 316;
const LEAST = 28;
const MOST = 6;

export const numbersOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** The shapes that matter: what enters, what each weighted layer leaves, the code. */
export function bandsOf(plan: Check): Band[] {
  const encoder = weighted(plan, "encoder");
  const decoder = weighted(plan, "decoder");
  const input: Band = {
    key: "in",
    role: "enc",
    network: "encoder",
    index: -1,
    order: -1,
    shape: plan.item,
    kind: "input",
    row: null,
    weights: 0,
  };
  // The encoder's last weighted layer leaves the code: its band is the waist.
  const before = fewer([input, ...encoder.slice(0, -1)]);
  const narrow = plan.layers.find((row) => row.network === "bottleneck") ?? null;
  const waist: Band = {
    key: "code",
    role: "code",
    network: "bottleneck",
    index: -1,
    order: encoder.length - 1,
    shape: plan.code,
    kind: String(plan.recipe.bottleneck["kind"]),
    row: narrow,
    weights: (encoder.at(-1)?.weights ?? 0) + (narrow?.parameters ?? 0),
  };
  const after = fewer(decoder);
  const last = after.at(-1);
  if (last) after[after.length - 1] = { ...last, shape: plan.item, kind: "output" };
  return [...before, waist, ...after];
}

function weighted(plan: Check, network: "encoder" | "decoder"): Band[] {
  const bands: Band[] = [];
  let weights = 0;
  for (const row of plan.layers) {
    if (row.network !== network || row.layer === "linear start") continue;
    weights += row.parameters;
    const last = bands.at(-1);
    if (WEIGHTED.includes(row.layer)) {
      bands.push({
        key: `${network}-${bands.length}`,
        role: network === "encoder" ? "enc" : "dec",
        network,
        index: row.index,
        order: bands.length,
        shape: row.output,
        kind: row.layer,
        row,
        weights,
      });
      weights = 0;
    } else if (last && row.parameters) {
      last.weights += row.parameters;
      weights = 0;
    } else if (last && (row.layer === "Pool" || row.layer === "Upsample")) last.shape = row.output;
  }
  return bands;
}

/** At most six a side, the outermost kept: more would be too small to read. */
export function fewer(bands: Band[]): Band[] {
  if (bands.length <= MOST) return bands;
  const kept = new Set(Array.from({ length: MOST }, (_, i) => Math.round((i * (bands.length - 1)) / (MOST - 1))));
  return bands.filter((_, i) => kept.has(i));
}

export function breadthOf(numbers: number, most: number, tallest = TALLEST): number {
  return Math.max(LEAST, tallest * Math.sqrt(numbers / most));
}

/** Bands along a line of ``length``; thickness says, on a log scale, how many weights they hold. */
export function place(bands: Band[], length: number, tallest = TALLEST): Placed[] {
  const most = Math.max(...bands.map((band) => numbersOf(band.shape)));
  const room = length / bands.length;
  const thickest = Math.min(62, room * 0.56);
  return bands.map((band, i) => {
    const share = Math.min(1, Math.log10(1 + band.weights) / 6);
    const thick = band.role === "code" ? Math.min(80, room * 0.72) : thickest * (0.7 + 0.3 * share);
    return {
      ...band,
      thick,
      along: (i + 0.5) * room - thick / 2,
      breadth: breadthOf(numbersOf(band.shape), most, tallest),
    };
  });
}

/** A number for a new layer between two: their geometric mean, rounded to what people choose. */
export function between(a: number, b: number): number {
  const mean = Math.sqrt(a * b);
  const step = mean >= 64 ? 16 : mean >= 16 ? 8 : 1;
  return Math.max(1, Math.round(mean / step) * step);
}

/** Widths of the waist that the handle steps through. */
export const STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

export const next = (numbers: number, by: 1 | -1): number =>
  by > 0 ? (STEPS.find((step) => step > numbers) ?? numbers) : (STEPS.findLast((step) => step < numbers) ?? 1);
