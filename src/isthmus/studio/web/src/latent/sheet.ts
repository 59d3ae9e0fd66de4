// The plane decoded at the places of a grid, as one picture to lie under the points.

import type { LiteModel } from "../lite/model";
import { sheet } from "../parts/paint";
import type { Bounds } from "../scatter/grid";
import { codeAt, type Codes } from "../state/codes.svelte";

export function decodedGrid(model: LiteModel, codes: Codes, bounds: Bounds, side: number): { canvas: HTMLCanvasElement; bounds: Bounds } {
  const [w, h] = [bounds.right - bounds.left, bounds.top - bounds.bottom];
  const pictures: Float32Array[] = [];
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const x = bounds.left + (w * (column + 0.5)) / side;
      const y = bounds.top - (h * (row + 0.5)) / side;
      pictures.push(model.decode(codeAt(codes, x, y)!));
    }
  return { canvas: sheet(pictures, model.graph.item, side), bounds };
}
