// Where a picture lies in its stage: a scale and the place of its corner, in pixels of the screen.

export interface Size {
  width: number;
  height: number;
}

export interface View {
  scale: number;
  x: number;
  y: number;
}

export const LARGEST = 16;
const LARGEST_FIT = 3;

/** The scale at which all of a picture is seen; small ones are shown larger, but not without end. */
export const fitting = (stage: Size, picture: Size): number =>
  Math.min(stage.width / picture.width, stage.height / picture.height, LARGEST_FIT);

/** A view that shows all of it, in the middle. */
export const fit = (stage: Size, picture: Size): View => held({ scale: fitting(stage, picture), x: 0, y: 0 }, stage, picture);

/** A view that leaves no empty place where the picture could be: smaller than the stage it is centred. */
export function held(view: View, stage: Size, picture: Size): View {
  const scale = Math.min(LARGEST, Math.max(fitting(stage, picture), view.scale));
  const place = (at: number, room: number, long: number) =>
    long * scale <= room ? (room - long * scale) / 2 : Math.min(0, Math.max(room - long * scale, at));
  return { scale, x: place(view.x, stage.width, picture.width), y: place(view.y, stage.height, picture.height) };
}

/** Nearer or farther by a factor; what is under (x, y) of the stage stays there. */
export function zoomed(view: View, factor: number, x: number, y: number, stage: Size, picture: Size): View {
  const scale = Math.min(LARGEST, Math.max(fitting(stage, picture), view.scale * factor));
  const by = scale / view.scale;
  return held({ scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by }, stage, picture);
}

export const moved = (view: View, dx: number, dy: number, stage: Size, picture: Size): View =>
  held({ ...view, x: view.x + dx, y: view.y + dy }, stage, picture);

/** A place of the stage as a place of the picture, within it. */
export function onPicture(view: View, x: number, y: number, picture: Size): [number, number] {
  const at = (value: number, most: number) => Math.min(most, Math.max(0, value));
  return [at((x - view.x) / view.scale, picture.width), at((y - view.y) / view.scale, picture.height)];
}

export const onStage = (view: View, x: number, y: number): [number, number] => [view.x + x * view.scale, view.y + y * view.scale];
