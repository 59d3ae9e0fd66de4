// Coloured hints on a picture: set by a click, moved by dragging or arrows, removed by Delete.

import type { Item } from "../state/apply.svelte";
import type { Hint } from "./types";
import type { Size } from "./zoom";

/** Colours that photographs often need, so that nobody must mix them. */
export const PALETTE = ["#e8b89a", "#8d5a3b", "#5b3a24", "#d9c8a0", "#6f8f4a", "#2f5d34", "#7fb0d8", "#2f4f7f", "#b03030", "#d8a030", "#808080", "#f4f0e6"];

export class PointsTool {
  colour = $state(PALETTE[0]!);
  chosen = $state(-1);
  private dragged = -1;

  constructor(
    readonly item: Item,
    readonly option: string,
    readonly size: Size,
  ) {}

  get hints(): Hint[] {
    return this.item.hints[this.option] ?? [];
  }

  private put(hints: Hint[]): void {
    this.item.hints[this.option] = hints;
  }

  private within(x: number, y: number): [number, number] {
    const at = (value: number, most: number) => Math.min(most - 1, Math.max(0, Math.round(value)));
    return [at(x, this.size.width), at(y, this.size.height)];
  }

  /** At a place of the picture: takes hold of a hint within ``reach``, or sets one. */
  press(x: number, y: number, reach: number): void {
    const near = this.hints.findIndex((hint) => Math.hypot(hint.x - x, hint.y - y) <= reach);
    if (near < 0) this.add(x, y);
    else this.chosen = near;
    this.dragged = this.chosen;
  }

  drag(x: number, y: number): void {
    if (this.dragged >= 0) this.place(this.dragged, x, y);
  }

  release(): void {
    this.dragged = -1;
  }

  add(x = this.size.width / 2, y = this.size.height / 2): void {
    const [px, py] = this.within(x, y);
    this.put([...this.hints, { x: px, y: py, colour: this.colour }]);
    this.chosen = this.hints.length - 1;
  }

  place(index: number, x: number, y: number): void {
    const [px, py] = this.within(x, y);
    this.put(this.hints.map((hint, i) => (i === index ? { ...hint, x: px, y: py } : hint)));
  }

  paint(colour: string): void {
    this.colour = colour;
    this.put(this.hints.map((hint, i) => (i === this.chosen ? { ...hint, colour } : hint)));
  }

  remove(index: number): void {
    this.put(this.hints.filter((_, i) => i !== index));
    this.chosen = Math.min(this.chosen, this.hints.length - 1);
  }

  clear(): void {
    this.put([]);
    this.chosen = -1;
  }

  /** Arrows move a hint by a hundredth of the picture, with Shift by a pixel; Delete removes it. */
  key(event: KeyboardEvent, index: number): boolean {
    const hint = this.hints[index];
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (hint && by) {
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(this.size.width, this.size.height) / 100));
      this.place(index, hint.x + by[0]! * step, hint.y + by[1]! * step);
    } else if (hint && (event.key === "Delete" || event.key === "Backspace")) this.remove(index);
    else return false;
    return true;
  }
}
