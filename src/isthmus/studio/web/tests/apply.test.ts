import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { choose, chosen, matters, same, sent, start, together } from "../src/apply/options";
import { painted, scaleOf } from "../src/apply/strokes";
import type { FileInfo, OptionInfo, TaskInfo } from "../src/apply/types";
import { fit, fitting, held, LARGEST, moved, onPicture, onStage, zoomed } from "../src/apply/zoom";
import { uniform } from "../src/maths/chance";

const option = (name: string, more: Partial<OptionInfo> = {}): OptionInfo => ({
  name, title: name, control: "range", help: "", default: null, least: 0, most: 1, step: null, whole: false, unit: "",
  choices: [], group: "", takes: "picture", needs: [], together: false, ...more,
});
const task = {
  name: "t",
  options: [
    option("quality", { group: "goal", default: 75 }),
    option("size", { group: "goal", default: 1000 }),
    option("lossless", { group: "goal", control: "flag", default: false }),
    option("strength", { default: 1 }),
    option("jpeg", { default: 95, needs: ["jpg"] }),
    option("hint", { control: "points" }),
    option("same_mark", { control: "flag", default: false, together: true }),
  ],
} as unknown as TaskInfo;

describe("a picture in its stage", () => {
  const [stage, picture] = [{ width: 800, height: 500 }, { width: 4000, height: 3000 }];
  test("all of it is seen at first, in the middle", () => {
    const view = fit(stage, picture);
    expect(view.scale).toBeCloseTo(1 / 6);
    expect(view.x).toBeCloseTo((800 - 4000 / 6) / 2);
    expect(view.y).toBe(0);
    expect(fit(stage, { width: 10, height: 10 }).scale).toBe(3);
  });
  test("what is under the pointer stays there, wherever that is", () => {
    const chance = uniform(3);
    let view = zoomed(fit(stage, picture), 8, 400, 250, stage, picture);
    for (let k = 0; k < 200; k++) {
      // Not at the edges: there the picture may not leave a gap.
      const [x, y] = [300 + 200 * chance(), 200 + 100 * chance()];
      const at = onPicture(view, x, y, picture);
      view = zoomed(view, k % 2 ? 1.2 : 1 / 1.2, x, y, stage, picture);
      const [nx, ny] = onPicture(view, x, y, picture);
      expect(nx).toBeCloseTo(at[0], 4);
      expect(ny).toBeCloseTo(at[1], 4);
    }
  });
  test("it never leaves a gap, never grows without end", () => {
    const chance = uniform(7);
    let view = fit(stage, picture);
    for (let k = 0; k < 300; k++) {
      view = zoomed(view, Math.exp(chance() * 2 - 1), 800 * chance(), 500 * chance(), stage, picture);
      view = moved(view, 4000 * (chance() - 0.5), 4000 * (chance() - 0.5), stage, picture);
      expect(view.scale).toBeGreaterThanOrEqual(fitting(stage, picture) - 1e-12);
      expect(view.scale).toBeLessThanOrEqual(LARGEST);
      for (const [at, room, long] of [[view.x, 800, 4000], [view.y, 500, 3000]] as const) {
        const size = long * view.scale;
        if (size <= room) expect(at).toBeCloseTo((room - size) / 2);
        else expect(at <= 0 && at + size >= room - 1e-6).toBe(true);
      }
    }
    expect(held({ ...view, x: NaN, scale: 99 }, stage, picture).scale).toBe(LARGEST);
  });
  test("places go there and back", () => {
    const view = { scale: 2.5, x: -300, y: -120 };
    expect(onPicture(view, ...onStage(view, 130, 88), picture)).toEqual([130, 88]);
    expect(onPicture(view, -9999, 9999999, picture)).toEqual([0, 3000]);
  });
});

describe("a task's values", () => {
  test("begin with the first of a group and the defaults of the others", () => {
    expect(start(task)).toEqual({ quality: 75, strength: 1, jpeg: 95, same_mark: false });
  });
  test("one option of a group takes another's place", () => {
    const values = choose(task, start(task), task.options[2]!);
    expect(values).toEqual({ lossless: true, strength: 1, jpeg: 95, same_mark: false });
    expect(chosen(task, values, "goal")?.name).toBe("lossless");
    expect(chosen(task, choose(task, values, task.options[1]!), "goal")?.name).toBe("size");
  });
  test("what is unset is not sent, and makes no difference", () => {
    expect(sent({ a: null, b: "", c: false, d: 0, e: true })).toEqual({ d: 0, e: true });
    expect(same({ a: 1, b: null }, { b: "", a: 1 })).toBe(true);
    expect(same({ a: 1 }, { a: 2 })).toBe(false);
  });
  test("some options are for some files", () => {
    const jpeg = task.options[4]!;
    expect(matters(jpeg, [])).toBe(true);
    expect(matters(jpeg, [{ suffix: "png" } as FileInfo])).toBe(false);
    expect(matters(jpeg, [{ suffix: "png" } as FileInfo, { suffix: "jpg" } as FileInfo])).toBe(true);
  });
  test("some want all files at once", () => {
    expect(together(task, start(task))).toBe(false);
    expect(together(task, { same_mark: true })).toBe(true);
  });
});

describe("a mask", () => {
  test("is painted on at most 2048 pixels a side", () => {
    expect(scaleOf(640, 480)).toBe(1);
    expect(scaleOf(8192, 100)).toBe(0.25);
  });
  test("of erasers alone is none", () => {
    expect(painted([])).toBe(false);
    expect(painted([{ erase: true, radius: 3, points: [[1, 1]] }])).toBe(false);
    expect(painted([{ erase: false, radius: 3, points: [[1, 1]] }, { erase: true, radius: 3, points: [[1, 1]] }])).toBe(true);
  });
});

test("every text is there in both languages", () => {
  const read = (code: string) => JSON.parse(readFileSync(join(import.meta.dirname, `../src/i18n/${code}.json`), "utf8")) as Record<string, string>;
  const [en, de] = [read("en"), read("de")];
  const mine = /^(apply|points|mask|sound|rows|theme)\./;
  expect(Object.keys(en).filter((key) => mine.test(key) && !(key in de))).toEqual([]);
  for (const key of Object.keys(en).filter((each) => mine.test(each)))
    expect([...(de[key] ?? "").matchAll(/\{\w+\}/g)].map(String).sort(), key).toEqual([...en[key]!.matchAll(/\{\w+\}/g)].map(String).sort());
});
