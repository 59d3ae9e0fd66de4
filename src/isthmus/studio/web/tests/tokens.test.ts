// The palette's promises, recomputed from the style sheet: WCAG contrast, and classes apart for every eye.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { apart, contrast, seenBy, type Eye } from "./vision";

const css = readFileSync(join(import.meta.dirname, "../src/styles/tokens.css"), "utf8");

function tokens(selector: string): Record<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`)).split("}")[0]!;
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]]));
}

const themes = { light: tokens(":root"), dark: { ...tokens(":root"), ...tokens(':root[data-theme="dark"]') } };
const TEXT = ["ink", "muted", "enc", "code", "dec", "focus", "ok", "warn", "bad"];

describe.each(Object.entries(themes))("%s", (_name, t) => {
  test.each(TEXT)("%s can be read on page and panel", (token) => {
    for (const ground of ["bg", "surface"]) expect(contrast(t[token]!, t[ground]!)).toBeGreaterThanOrEqual(4.5);
  });
  test.each(["enc", "code", "dec"])("what stands on %s can be read", (token) => {
    expect(contrast(t["on"]!, t[token]!)).toBeGreaterThanOrEqual(4.5);
  });
  test("edges of controls can be seen", () => {
    for (const ground of ["bg", "surface"]) expect(contrast(t["control"]!, t[ground]!)).toBeGreaterThanOrEqual(3);
  });
  const classes = Array.from({ length: 10 }, (_, i) => t[`class-${i}`]!);
  test("points can be seen on the page", () => {
    for (const colour of classes) expect(contrast(colour, t["bg"]!)).toBeGreaterThanOrEqual(3);
  });
  test.each(["normal", "deutan", "protan", "tritan"] as Eye[])("classes are apart for %s eyes", (eye) => {
    let least = Infinity;
    classes.forEach((a, i) =>
      classes.slice(0, i).forEach((b) => (least = Math.min(least, apart(seenBy(eye, a), seenBy(eye, b))))),
    );
    // Distances in Oklab x 100, where a just visible step is about 2.
    expect(least).toBeGreaterThan(eye === "normal" ? 12 : 5);
  });
});
