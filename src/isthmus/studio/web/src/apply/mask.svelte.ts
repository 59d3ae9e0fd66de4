// A brush over a picture: strokes that can be erased and undone.

import type { Item } from "../state/apply.svelte";
import type { Stroke } from "./strokes";
import type { Size } from "./zoom";

export class MaskTool {
  /** In pixels of the picture. */
  radius = $state(10);
  erase = $state(false);
  /** The stroke in hand. */
  current = $state.raw<Stroke | null>(null);
  /** Where the keyboard's brush is. */
  cursor = $state.raw<[number, number]>([0, 0]);
  shown = $state(false);
  private undone = $state.raw<Stroke[]>([]);

  constructor(
    readonly item: Item,
    readonly option: string,
    readonly size: Size,
  ) {
    this.radius = Math.max(2, Math.round(Math.max(size.width, size.height) / 50));
    this.cursor = [size.width / 2, size.height / 2];
  }

  get strokes(): Stroke[] {
    return this.item.strokes[this.option] ?? [];
  }

  get most(): number {
    return Math.max(20, Math.round(Math.max(this.size.width, this.size.height) / 6));
  }

  get redoable(): boolean {
    return this.undone.length > 0;
  }

  private put(strokes: Stroke[]): void {
    this.item.strokes[this.option] = strokes;
  }

  press(x: number, y: number): void {
    this.shown = false;
    this.current = { erase: this.erase, radius: this.radius, points: [[Math.round(x), Math.round(y)]] };
  }

  drag(x: number, y: number): void {
    if (!this.current) return;
    const [lx, ly] = this.current.points.at(-1)!;
    if (Math.hypot(x - lx, y - ly) < Math.max(1, this.radius / 6)) return;
    this.current = { ...this.current, points: [...this.current.points, [Math.round(x), Math.round(y)]] };
  }

  release(): void {
    if (!this.current) return;
    this.put([...this.strokes, this.current]);
    this.current = null;
    this.undone = [];
  }

  undo(): void {
    const last = this.strokes.at(-1);
    if (!last) return;
    this.undone = [...this.undone, last];
    this.put(this.strokes.slice(0, -1));
  }

  redo(): void {
    const last = this.undone.at(-1);
    if (!last) return;
    this.undone = this.undone.slice(0, -1);
    this.put([...this.strokes, last]);
  }

  clear(): void {
    this.put([]);
    this.undone = [];
  }

  /** Arrows move the brush, Space paints, Shift with arrows paints on the way, [ and ] change its size. */
  key(event: KeyboardEvent): boolean {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      if (event.shiftKey) this.redo();
      else this.undo();
      return true;
    }
    if (event.key === "[" || event.key === "]") {
      this.radius = Math.min(this.most, Math.max(1, Math.round(this.radius * (event.key === "]" ? 1.25 : 0.8))));
      return true;
    }
    if (event.key.toLowerCase() === "e") {
      this.erase = !this.erase;
      return true;
    }
    if (event.key === " ") {
      this.press(...this.cursor);
      this.release();
      this.shown = true;
      return true;
    }
    if (!by) return false;
    const [x, y] = this.cursor;
    const at = (value: number, most: number) => Math.min(most, Math.max(0, value));
    const step = Math.max(1, this.radius / 2);
    const to: [number, number] = [at(x + by[0]! * step, this.size.width), at(y + by[1]! * step, this.size.height)];
    if (event.shiftKey) {
      this.press(x, y);
      this.current = { ...this.current!, points: [[Math.round(x), Math.round(y)], [Math.round(to[0]), Math.round(to[1])]] };
      this.release();
    }
    this.cursor = to;
    this.shown = true;
    return true;
  }
}
