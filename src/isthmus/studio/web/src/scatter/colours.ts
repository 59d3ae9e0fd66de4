// Class colours from the style sheet, and a ramp for figures.

import { packed } from "./raster";

export function classColours(): number[] {
  const style = getComputedStyle(document.documentElement);
  return Array.from({ length: 10 }, (_, i) => packed(style.getPropertyValue(`--class-${i}`).trim()));
}

export const faintColour = (): number =>
  packed(getComputedStyle(document.documentElement).getPropertyValue("--faint").trim());

// Cividis (Nunez, Anderton & Renslow 2018): even in lightness, the same for the colour-blind.
const STOPS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

export const css = (colour: number): string => `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;

/** The ramp at ``share`` 0..1. */
export function ramp(share: number): number {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const k = Math.min(STOPS.length - 2, Math.floor(at));
  const mixed = [1, 3, 5].map((c) => {
    const [a, b] = [STOPS[k]!, STOPS[k + 1]!].map((hex) => parseInt(hex.slice(c, c + 2), 16)) as [number, number];
    return Math.round(a + (b - a) * (at - k));
  });
  return (255 << 24) | (mixed[2]! << 16) | (mixed[1]! << 8) | mixed[0]!;
}

/** Where a figure lies among all, 0..1: by rank, so that outliers do not darken the rest. */
export function ranks(values: Float32Array): Float32Array {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const out = new Float32Array(values.length);
  order.forEach((i, rank) => (out[i] = rank / Math.max(1, values.length - 1)));
  return out;
}
