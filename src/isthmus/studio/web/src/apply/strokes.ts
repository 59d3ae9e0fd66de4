// A mask as the strokes that made it: it can be undone, and drawn at any size.

export interface Stroke {
  /** Whether it erases. */
  erase: boolean;
  /** In pixels of the picture, as its points are. */
  radius: number;
  points: [number, number][];
}

/** The most pixels a side of a mask has: it is made as large as its picture where it is used. */
export const LARGEST_SIDE = 2048;

export const scaleOf = (width: number, height: number): number => Math.min(1, LARGEST_SIDE / Math.max(width, height));

/** Draws strokes in one colour; erasers take it away again. */
export function draw(canvas: HTMLCanvasElement, strokes: Stroke[], scale: number, colour: string): void {
  const pen = canvas.getContext("2d")!;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = pen.fillStyle = colour;
  for (const stroke of strokes) {
    pen.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
    pen.lineWidth = Math.max(1, 2 * stroke.radius * scale);
    pen.beginPath();
    const [first, ...rest] = stroke.points;
    if (!first) continue;
    pen.moveTo(first[0] * scale, first[1] * scale);
    if (!rest.length) pen.lineTo(first[0] * scale + 0.01, first[1] * scale);
    for (const [x, y] of rest) pen.lineTo(x * scale, y * scale);
    pen.stroke();
  }
  pen.globalCompositeOperation = "source-over";
}

/** Whether anything may be left of the strokes. */
export const painted = (strokes: Stroke[]): boolean => strokes.some((stroke) => !stroke.erase);

/** White on black, as a PNG. */
export async function png(strokes: Stroke[], width: number, height: number): Promise<Blob> {
  const scale = scaleOf(width, height);
  const [canvas, ground] = [document.createElement("canvas"), document.createElement("canvas")];
  for (const each of [canvas, ground]) [each.width, each.height] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  draw(canvas, strokes, scale, "#fff");
  const pen = ground.getContext("2d")!;
  pen.fillRect(0, 0, ground.width, ground.height);
  pen.drawImage(canvas, 0, 0);
  return new Promise((good, bad) => ground.toBlob((blob) => (blob ? good(blob) : bad(new Error("no picture"))), "image/png"));
}
