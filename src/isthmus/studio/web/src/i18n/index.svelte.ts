// Every text of the Studio by its key, in the language chosen. Plurals by Intl, numbers by Intl.

import en from "./en.json";
import { settings } from "../state/settings.svelte";

type Texts = Record<string, string>;
export type Key = keyof typeof en;

class Language {
  texts = $state.raw<Texts>(en);
  code = $state("en");
}
const language = new Language();

export const LANGUAGES = { en: "English", de: "Deutsch" };

/** Longer by two fifths and full of accents: shows where a layout is too tight. */
function pseudo(texts: Texts): Texts {
  const accents: Record<string, string> = { a: "á", e: "é", i: "í", o: "ó", u: "ú", n: "ñ", c: "ç" };
  const stretch = (text: string) =>
    text.replace(/\{[^}]*\}|[aeiounc]/g, (m) => accents[m] ?? m) + "~".repeat(Math.ceil(text.length * 0.4));
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, stretch(text)]));
}

export async function useLanguage(code: string): Promise<void> {
  if (code === "de") language.texts = { ...en, ...(await import("./de.json")).default };
  else language.texts = code === "en-XA" ? pseudo(en) : en;
  language.code = code === "de" ? "de" : "en";
  settings.language = code;
  document.documentElement.lang = language.code;
}

/** The text of a key; ``{name}`` is replaced, ``{n}`` is a number in the language's own form. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  let text = language.texts[key] ?? key;
  const count = values["n"];
  if (typeof count === "number") {
    const form = new Intl.PluralRules(language.code).select(count);
    text = language.texts[`${key}.${form}`] ?? text;
  }
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : String(value ?? "");
  });
}

/** A text that may not exist: for words that come from the server (field names, states). */
export const maybe = (key: string, otherwise: string): string => language.texts[key] ?? otherwise;

export function number(value: number, digits?: number): string {
  const options = digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language.code, options).format(value);
}

/** Three figures that matter, e.g. a loss. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return new Intl.NumberFormat(language.code, {
    minimumSignificantDigits: 3,
    maximumSignificantDigits: 3,
    notation: value !== 0 && Math.abs(value) < 1e-4 ? "scientific" : "standard",
  }).format(value);
}

export function bytes(value: number): string {
  const [unit, power] = value < 1e6 ? ["kilobyte", 1e3] : value < 1e9 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  return new Intl.NumberFormat(language.code, {
    style: "unit",
    unit: unit as string,
    maximumFractionDigits: value / (power as number) < 10 ? 1 : 0,
  }).format(value / (power as number));
}

export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (v: number) => String(v).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export const when = (seconds: number): string =>
  new Intl.DateTimeFormat(language.code, { dateStyle: "short", timeStyle: "short" }).format(seconds * 1000);
