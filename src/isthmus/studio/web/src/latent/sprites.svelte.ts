// Small pictures of the items, in the order of the map's points, in blocks on a few canvases.

import { pack } from "../api/client";
import { fill } from "../parts/paint";
import type { Codes } from "../state/codes.svelte";

const BLOCK = 4096;

export class Sprites {
  version = $state(0);
  ready = $state(false);
  private id = "";
  private sheets: { canvas: HTMLCanvasElement; columns: number; width: number; height: number }[] = [];

  load(id: string, shown: number, live: Codes | null): void {
    const key = `${id}/${shown}/${live ? live.places.slice(0, 4).join() : ""}`;
    if (key === this.id) return;
    this.id = key;
    this.sheets = [];
    this.ready = false;
    void this.fetch(id, key, shown);
  }

  private async fetch(id: string, key: string, shown: number): Promise<void> {
    for (let from = 0; from < shown; from += BLOCK) {
      const got = await pack(`/runs/${id}/sprites?from=${from}&count=${BLOCK}`).catch(() => null);
      if (!got || this.id !== key) return;
      const [count, channels, height, width] = got.shape("values") as [number, number, number, number];
      const values = got.array("values") as Uint8Array;
      const columns = 64;
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [columns * width, Math.ceil(count / columns) * height];
      const context = canvas.getContext("2d")!;
      const image = context.createImageData(width, height);
      const many = channels * height * width;
      for (let i = 0; i < count; i++) {
        const one = Float32Array.from(values.subarray(i * many, (i + 1) * many), (v) => v / 255);
        fill(image.data, one, [channels, height, width]);
        context.putImageData(image, (i % columns) * width, Math.floor(i / columns) * height);
      }
      this.sheets.push({ canvas, columns, width, height });
      this.ready = true;
      this.version++;
    }
  }

  draw(context: CanvasRenderingContext2D, i: number, x: number, y: number, size: number, edge: string): void {
    const sheet = this.sheets[Math.floor(i / BLOCK)];
    if (!sheet) return;
    const k = i % BLOCK;
    const [sx, sy] = [(k % sheet.columns) * sheet.width, Math.floor(k / sheet.columns) * sheet.height];
    context.drawImage(sheet.canvas, sx, sy, sheet.width, sheet.height, x, y, size, size);
    context.fillStyle = edge;
    context.fillRect(x, y + size - 3, size, 3);
  }
}
