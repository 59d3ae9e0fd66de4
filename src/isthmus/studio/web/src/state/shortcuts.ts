// Keys that work anywhere but in a field. All can be switched off (WCAG 2.1.4).

import { bench } from "./bench.svelte";
import { lab } from "./lab.svelte";
import { router } from "./router.svelte";
import { settings } from "./settings.svelte";
import { train } from "./training";

export const KEYS: [string, string][] = [
  ["Space", "keys.train"],
  ["S", "keys.step"],
  ["←  →", "keys.waist"],
  ["N", "keys.example"],
  ["L", "keys.latent"],
  ["B", "keys.lab"],
  ["A", "keys.apply"],
  ["R", "keys.runs"],
  ["Ctrl Z", "keys.undo"],
  ["Ctrl ⇧ Z", "keys.redo"],
  ["?", "keys.list"],
];

export function shortcut(event: KeyboardEvent): string {
  const target = event.target as HTMLElement;
  if (target.closest("input, textarea, select, dialog, [contenteditable]")) return "";
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    if (event.shiftKey) lab.redo();
    else lab.undo();
    return "undo";
  }
  if (!settings.keys || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return "";
  // Where no network is looked at, no key trains or changes one.
  if (router.screen === "apply" && [" ", "s", "n", "ArrowLeft", "ArrowRight", "b"].includes(event.key)) return "";
  // A focused control keeps its own keys.
  const own = target.closest("button, a, [role=tab], [role=slider], [role=button], canvas");
  if (own && [" ", "Enter", "ArrowLeft", "ArrowRight"].includes(event.key)) return "";
  const act: Record<string, () => void> = {
    " ": () => void train.toggle(),
    s: () => void train.step(),
    n: () => bench.take(bench.place + 1),
    ArrowLeft: () => train.waist(-1),
    ArrowRight: () => train.waist(1),
    l: () => router.go("latent"),
    b: () => router.go("lab"),
    a: () => router.go("apply"),
    r: () => router.go("runs"),
  };
  if (event.key === "?") return "keys";
  const found = act[event.key];
  if (!found) return "";
  event.preventDefault();
  found();
  return event.key;
}
