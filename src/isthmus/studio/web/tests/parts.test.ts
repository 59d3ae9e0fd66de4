import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { between, breadthOf, fewer, next, type Band } from "../src/hourglass/geometry";
import { between as onTheWay } from "../src/latent/walk";
import { centred, stroke } from "../src/lab/brush";
import { normal, uniform } from "../src/maths/chance";
import { mse, psnrOf, ssim } from "../src/maths/metrics";
import { throughPca } from "../src/maths/pca";
import { Grid, within } from "../src/scatter/grid";
import { Frame, Points } from "../src/scatter/raster";
import { blank, planField, readList } from "../src/schema/schema";

const cloud = (count: number, seed: number) => [normal(count, seed), normal(count, seed + 1)] as const;

describe("the grid over points", () => {
  const [xs, ys] = cloud(3000, 5);
  const grid = new Grid(xs, ys);
  test("finds the nearest as a look at all does", () => {
    const chance = uniform(9);
    for (let k = 0; k < 200; k++) {
      const [x, y] = [chance() * 6 - 3, chance() * 6 - 3];
      let best = -1;
      let least = 0.5 ** 2;
      for (let i = 0; i < xs.length; i++) {
        const d = (xs[i]! - x) ** 2 + (ys[i]! - y) ** 2;
        if (d <= least) [least, best] = [d, i];
      }
      const found = grid.nearest(x, y, 0.5);
      if (best < 0) expect(found).toBe(-1);
      else expect((xs[found]! - x) ** 2 + (ys[found]! - y) ** 2).toBeCloseTo(least, 6);
    }
  });
  test("passes over what is filtered out", () => {
    const all = grid.nearest(0, 0, 1);
    expect(grid.nearest(0, 0, 1, (i) => i !== all)).not.toBe(all);
    expect(grid.nearest(0, 0, 1, () => false)).toBe(-1);
  });
  test("a loop holds what lies in it", () => {
    const loop: [number, number][] = [[-1, -1], [1, -1], [0, 1.5]];
    const found = new Set(grid.inside(loop));
    for (let i = 0; i < xs.length; i++) expect(found.has(i)).toBe(within(loop, xs[i]!, ys[i]!));
    expect(found.size).toBeGreaterThan(100);
  });
  test("one point and none are no trouble", () => {
    expect(new Grid(Float32Array.of(2), Float32Array.of(3)).nearest(2, 3, 0.1)).toBe(0);
    expect(new Grid(new Float32Array(0), new Float32Array(0)).nearest(0, 0, 9)).toBe(-1);
  });
});

describe("the raster", () => {
  test("every point shows, the front over the faint, whatever the zoom", () => {
    const points = new Points(Float32Array.of(0, 0, 1), Float32Array.of(0, 0, 1));
    points.arrange(() => 7, (i) => i > 0, 3);
    for (const scale of [0.7, 1, 3]) {
      const pixels = new Int32Array(64 * 64);
      const frame = new Frame(points.bounds, { x: 0.5, y: 0.5, scale }, 64, 64);
      points.draw(pixels, frame, 1);
      const at = Math.round(frame.toY(0)) * 64 + Math.round(frame.toX(0));
      if (scale < 2) expect(pixels[at]).toBe(7);
    }
  });
  test("places and pixels go there and back", () => {
    const frame = new Frame({ left: -2, right: 5, bottom: 1, top: 9 }, { x: 1, y: 4, scale: 2.5 }, 300, 200);
    expect(frame.fromX(frame.toX(3.3))).toBeCloseTo(3.3);
    expect(frame.fromY(frame.toY(-1.7))).toBeCloseTo(-1.7);
  });
});

describe("the hourglass", () => {
  test("breadth is the square root, never thinner than can be read", () => {
    expect(breadthOf(784, 784)).toBe(316);
    expect(breadthOf(196, 784)).toBe(158);
    expect(breadthOf(1, 784)).toBe(28);
  });
  test("many bands become six, the outermost kept", () => {
    const bands = Array.from({ length: 15 }, (_, i) => ({ key: String(i) }) as Band);
    const kept = fewer(bands);
    expect(kept.length).toBe(6);
    expect([kept[0]!.key, kept.at(-1)!.key]).toEqual(["0", "14"]);
  });
  test("the handle doubles and halves", () => {
    expect([next(64, 1), next(64, -1), next(100, 1), next(100, -1), next(1, -1)]).toEqual([128, 32, 128, 64, 1]);
  });
  test("a new layer lies between its neighbours", () => {
    expect(between(784, 256)).toBe(448);
    expect(between(4, 2)).toBe(3);
  });
});

describe("measures", () => {
  const shape = [1, 28, 28];
  const x = Float32Array.from({ length: 784 }, (_, i) => (i * 37) % 11 / 10);
  test("a picture is like itself", () => {
    expect(ssim(x, x, shape)).toBeCloseTo(1);
    expect(psnrOf(mse(x, x))).toBe(Infinity);
    expect(psnrOf(0.01)).toBeCloseTo(20);
  });
  test("noise makes it less like itself", () => {
    const noise = normal(784, 3);
    const far = x.map((v, i) => v + 0.5 * noise[i]!);
    const near = x.map((v, i) => v + 0.05 * noise[i]!);
    expect(ssim(x, far, shape)).toBeLessThan(ssim(x, near, shape));
  });
  test("as many components as dimensions give the item back", () => {
    const basis = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const pca = { points: [], mean: Float32Array.of(0.1, 0.2, 0.3), basis, rows: 3, files: {} };
    const item = Float32Array.of(0.9, 0.5, 0.4);
    throughPca(pca, item, 3, true).forEach((v, i) => expect(v).toBeCloseTo(item[i]!));
    expect(throughPca(pca, item, 1, true)[2]).toBeCloseTo(0.3);
  });
});

describe("brush", () => {
  const shape = [1, 28, 28];
  test("a stroke adds ink along its way and the rubber takes it off", () => {
    const drawn = stroke(new Float32Array(784), shape, [5, 14], [22, 14], 1);
    expect(drawn[14 * 28 + 12]).toBe(1);
    expect(drawn[2 * 28 + 12]).toBe(0);
    const rubbed = stroke(drawn, shape, [5, 14], [22, 14], -1);
    expect(Math.max(...rubbed)).toBeLessThan(0.3);
  });
  test("centring moves the mass to the middle", () => {
    const moved = centred(stroke(new Float32Array(784), shape, [3, 3], [8, 3], 1), shape);
    let [mass, sx] = [0, 0];
    moved.forEach((v, i) => ((mass += v), (sx += v * (i % 28))));
    expect(Math.abs(sx / mass - 13.5)).toBeLessThan(0.6);
    expect(centred(new Float32Array(784), shape)).toEqual(new Float32Array(784));
  });
});

test("a walk along the sphere keeps its length", () => {
  const [a, b] = [Float32Array.of(3, 0), Float32Array.of(0, 3)];
  expect(Math.hypot(...onTheWay(a, b, 0.5, true))).toBeCloseTo(3);
  expect(Math.hypot(...onTheWay(a, b, 0.5, false))).toBeLessThan(2.2);
  expect([...onTheWay(a, b, 1, true)].map((v) => Math.round(v))).toEqual([0, 3]);
});

describe("forms from the schema", () => {
  const root = { $defs: { A: { properties: { kind: { const: "a" }, n: { type: "integer", default: 3, title: "N" } } } } };
  test("a section begins at its defaults", () => expect(blank(root, root.$defs.A)).toEqual({ kind: "a", n: 3 }));
  test("fields know their control", () => {
    expect(planField(root, "x", { type: "boolean" }).control).toBe("flag");
    expect(planField(root, "x", { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] })).toMatchObject({ control: "optional", whole: true, least: 1 });
    expect(planField(root, "x", { anyOf: [{ type: "integer" }, { const: "auto" }] })).toMatchObject({ control: "auto", choices: ["auto"] });
    expect(planField(root, "x", { enum: ["p", "q"] })).toMatchObject({ control: "choice", choices: ["p", "q"] });
  });
  test("lists take what they are made for", () => {
    expect(readList("512, 256", { type: "integer" })).toEqual([512, 256]);
    expect(readList("512, 2.5", { type: "integer" })).toBeNull();
    expect(readList("", { type: "integer" })).toEqual([]);
  });
});

describe("texts", () => {
  const folder = join(import.meta.dirname, "../src");
  const read = (name: string) => JSON.parse(readFileSync(join(folder, `i18n/${name}.json`), "utf8")) as Record<string, string>;
  const [en, de] = [read("en"), read("de")];
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(svelte|ts)$/.test(path))
    .map((path) => [path, readFileSync(join(folder, path), "utf8")] as const);
  test("German says all that English says, with the same values", () => {
    const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
    for (const key of Object.keys(en)) {
      expect(de, key).toHaveProperty([key]);
      expect(holes(de[key]!), key).toEqual(holes(en[key]!));
    }
  });
  test("every key that is asked for exists", () => {
    for (const [path, source] of sources)
      for (const [, key] of source.matchAll(/\bt\(\s*"([^"]+)"/g)) expect(en, `${path}: ${key}`).toHaveProperty([key!]);
  });
  test("markup holds no words of its own, no markup from text and no inline style", () => {
    for (const [path, source] of sources) {
      if (!path.endsWith(".svelte")) continue;
      const markup = source.replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, "");
      expect(markup, path).not.toMatch(/\{@html|style="(?![^"]*\{)/);
      let bare = markup;
      for (let before = ""; before !== bare; ) [before, bare] = [bare, bare.replace(/\{[^{}]*\}/g, "")];
      for (const [, words] of bare.matchAll(/>\s*([A-Za-z][a-z]+ [a-z]+[^<{]*)</g)) {
        if (!/isthmus (train|studio)/.test(words!)) expect.fail(`${path}: “${words}” belongs in i18n`);
      }
    }
  });
});
