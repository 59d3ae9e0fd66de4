// A grid over points: the nearest to a place, and those within a loop, without asking all.

export class Grid {
  private readonly side: number;
  private readonly starts: Int32Array;
  private readonly order: Int32Array;
  private readonly cellX: number;
  private readonly cellY: number;

  constructor(
    private readonly xs: Float32Array,
    private readonly ys: Float32Array,
    readonly bounds: Bounds = boundsOf(xs, ys),
  ) {
    const count = xs.length;
    this.side = Math.max(1, Math.min(256, Math.ceil(Math.sqrt(count / 4))));
    this.cellX = Math.max(bounds.right - bounds.left, 1e-12) / this.side;
    this.cellY = Math.max(bounds.top - bounds.bottom, 1e-12) / this.side;
    this.starts = new Int32Array(this.side * this.side + 1);
    const cells = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      cells[i] = this.cell(xs[i]!, ys[i]!);
      this.starts[cells[i]! + 1]!++;
    }
    for (let c = 0; c < this.side * this.side; c++) this.starts[c + 1]! += this.starts[c]!;
    const at = this.starts.slice();
    this.order = new Int32Array(count);
    for (let i = 0; i < count; i++) this.order[at[cells[i]!]!++] = i;
  }

  private clamp(v: number): number {
    return Math.min(this.side - 1, Math.max(0, v));
  }
  private column(x: number): number {
    return this.clamp(Math.floor((x - this.bounds.left) / this.cellX));
  }
  private line(y: number): number {
    return this.clamp(Math.floor((y - this.bounds.bottom) / this.cellY));
  }
  private cell(x: number, y: number): number {
    return this.line(y) * this.side + this.column(x);
  }

  /** The nearest point within ``reach`` that ``accepts`` lets pass, or -1. */
  nearest(x: number, y: number, reach: number, accepts: (i: number) => boolean = () => true): number {
    let best = -1;
    let least = reach * reach;
    const [left, right] = [this.column(x - reach), this.column(x + reach)];
    const [bottom, top] = [this.line(y - reach), this.line(y + reach)];
    for (let row = bottom; row <= top; row++)
      for (let at = this.starts[row * this.side + left]!; at < this.starts[row * this.side + right + 1]!; at++) {
        const i = this.order[at]!;
        const d = (this.xs[i]! - x) ** 2 + (this.ys[i]! - y) ** 2;
        if (d <= least && accepts(i)) {
          least = d;
          best = i;
        }
      }
    return best;
  }

  /** The points within a closed loop (even-odd rule). */
  inside(loop: [number, number][], accepts: (i: number) => boolean = () => true): number[] {
    const lx = Math.min(...loop.map((p) => p[0]));
    const rx = Math.max(...loop.map((p) => p[0]));
    const by = Math.min(...loop.map((p) => p[1]));
    const ty = Math.max(...loop.map((p) => p[1]));
    const found: number[] = [];
    for (let row = this.line(by); row <= this.line(ty); row++) {
      const [from, to] = [row * this.side + this.column(lx), row * this.side + this.column(rx) + 1];
      for (let at = this.starts[from]!; at < this.starts[to]!; at++) {
        const i = this.order[at]!;
        if (accepts(i) && within(loop, this.xs[i]!, this.ys[i]!)) found.push(i);
      }
    }
    return found;
  }
}

export interface Bounds {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

export function boundsOf(xs: Float32Array, ys: Float32Array): Bounds {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < xs.length; i++) {
    if (xs[i]! < left) left = xs[i]!;
    if (xs[i]! > right) right = xs[i]!;
    if (ys[i]! < bottom) bottom = ys[i]!;
    if (ys[i]! > top) top = ys[i]!;
  }
  return xs.length ? { left, right, bottom, top } : { left: -1, right: 1, bottom: -1, top: 1 };
}

export function within(loop: [number, number][], x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
    const [xi, yi] = loop[i]!;
    const [xj, yj] = loop[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
