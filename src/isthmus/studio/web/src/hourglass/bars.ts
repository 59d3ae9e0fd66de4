// Values as one path of bars: a path per band is what a frame can afford.

/** Point of the picture for a place along the flow and across it. */
export type Map2 = (along: number, across: number) => [number, number];

const n = (v: number): string => v.toFixed(1);

function box(map: Map2, a0: number, c0: number, a1: number, c1: number): string {
  const [x0, y0] = map(a0, c0);
  const [x1, y1] = map(a1, c1);
  return `M${n(x0)} ${n(y0)}H${n(x1)}V${n(y1)}H${n(x0)}Z`;
}

/** Means of the magnitudes of ``count`` groups of neighbours, the largest 1. */
export function grouped(values: Float32Array, count: number): number[] {
  const many = Math.min(count, values.length);
  const out: number[] = [];
  let most = 1e-9;
  for (let g = 0; g < many; g++) {
    const [from, to] = [Math.floor((g * values.length) / many), Math.floor(((g + 1) * values.length) / many)];
    let sum = 0;
    for (let i = from; i < to; i++) sum += Math.abs(values[i]!);
    const mean = sum / (to - from);
    most = Math.max(most, mean);
    out.push(mean);
  }
  return out.map((v) => v / most);
}

/** Bars that grow along the flow from a band's edge, one under the other. */
export function sideBars(map: Map2, bars: number[], along: number, thick: number, from: number, breadth: number): string {
  const each = (breadth - 8) / bars.length;
  const gap = each > 3 ? 1.5 : 0;
  return bars
    .map((v, i) => {
      const at = from + 4 + i * each;
      return v > 0.01 ? box(map, along + 5, at, along + 5 + (thick - 10) * v, at + each - gap) : "";
    })
    .join("");
}

/** Signed bars left and right of the middle: the code. */
export function codeBars(map: Map2, code: Float32Array, scale: number, along: number, thick: number, from: number, breadth: number): string {
  const middle = along + thick / 2;
  const each = (breadth - 8) / code.length;
  const gap = each > 4 ? 1.2 : each > 2 ? 0.5 : 0;
  let path = "";
  for (let i = 0; i < code.length; i++) {
    const v = Math.max(-1, Math.min(1, code[i]! / scale));
    const at = from + 4 + i * each;
    path += box(map, middle, at, middle + v * (thick / 2 - 5), at + each - gap);
  }
  return path;
}

/** The band of the flow between two bands. */
export function flow(map: Map2, a: { along: number; thick: number; breadth: number }, b: { along: number; breadth: number }): string {
  const [s, e] = [a.along + a.thick, b.along];
  const bow = (e - s) * 0.5;
  const p = (along: number, across: number) => map(along, across).map(n).join(" ");
  const [ha, hb] = [a.breadth / 2, b.breadth / 2];
  return (
    `M${p(s, -ha)}C${p(s + bow, -ha)},${p(e - bow, -hb)},${p(e, -hb)}` +
    `L${p(e, hb)}C${p(e - bow, hb)},${p(s + bow, ha)},${p(s, ha)}Z`
  );
}
