// The models that ship, as the server sends them, against torch with the same half-precision weights.
// ``tests/studio/test_parity.py`` asks the server and torch, writes what they said and runs this.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { loadModel } from "../src/lite/model";

interface Said {
  name: string;
  items: number[][];
  codes: number[][];
  outputs: number[][];
}

const folder = process.env["ISTHMUS_SHIPPED"];
const said = folder ? (JSON.parse(readFileSync(join(folder, "said.json"), "utf8")) as Said[]) : [];

function apart(a: Float32Array, b: number[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
}

if (!folder) test.skip("needs the server's answers (python -m pytest tests/studio/test_parity.py)", () => undefined);
test.each(said)("$name", ({ name, items, codes, outputs }) => {
  const bytes = new Uint8Array(readFileSync(join(folder!, `${name}.safetensors`)));
  const model = loadModel(bytes.buffer);
  const worst = { encode: 0, decode: 0, pass: 0 };
  items.forEach((item, i) => {
    const x = Float32Array.from(item);
    worst.encode = Math.max(worst.encode, apart(model.encode(x), codes[i]!));
    worst.decode = Math.max(worst.decode, apart(model.decode(Float32Array.from(codes[i]!)), outputs[i]!));
    worst.pass = Math.max(worst.pass, apart(model.pass(x).output, outputs[i]!));
  });
  console.log(`${name}: ${JSON.stringify(worst)}`);
  expect(worst.encode).toBeLessThanOrEqual(1e-3);
  expect(worst.decode).toBeLessThanOrEqual(1e-3);
  expect(worst.pass).toBeLessThanOrEqual(1e-3);
});
