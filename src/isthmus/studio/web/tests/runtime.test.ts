import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { loadModel } from "../src/lite/model";

interface Fixture {
  weights: string;
  item: number[];
  code: number[];
  output: number[];
}

const folder = join(import.meta.dirname, "fixtures");
const names = readdirSync(folder).map((file) => file.replace(".json", ""));

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

describe("the runtime says what torch says", () => {
  test("there are networks of every family", () => expect(names.length).toBeGreaterThanOrEqual(17));
  test.each(names)("%s", (name) => {
    const held = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Fixture;
    const bytes = new Uint8Array(Buffer.from(held.weights, "base64"));
    const model = loadModel(bytes.buffer as ArrayBuffer);
    const passed = model.pass(Float32Array.from(held.item));
    expect(apart(passed.code, held.code)).toBeLessThan(1e-5);
    const scale = Math.max(1, ...held.output.map(Math.abs));
    expect(apart(passed.output, held.output) / scale).toBeLessThan(1e-5);
    // The code alone gives the same picture, unless paths go round it.
    if (!model.skips) expect(apart(model.decode(passed.code), passed.output)).toBe(0);
  });
});

test("damaged weights are refused in words", () => {
  expect(() => loadModel(new ArrayBuffer(3))).toThrow("cut off");
});
