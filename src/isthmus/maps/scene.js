// The scene the items are pixels of, linked with the map both ways: what is chosen or pointed at in one
// is seen in the other.
"use strict";
function isthmusScene(map) {
  const { data, make, bytes, count, root } = map;
  const { rows, columns } = data.scene;
  const pixels = new Int32Array(bytes(data.scene.pixels).buffer);
  const itemAt = new Int32Array(rows * columns).fill(-1);
  for (let i = 0; i < count; i++) itemAt[pixels[i]] = i;

  const canvas = make("canvas", { width: columns, height: rows, tabIndex: 0, className: "pixels" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `The scene, ${rows} rows of ${columns} pixels. Arrow keys go from pixel to pixel; dragging selects.`);
  const over = make("canvas", { className: "over" });
  over.setAttribute("aria-hidden", "true");
  const frame = make("div", { className: "frame" }, canvas, over);
  frame.style.setProperty("aspect-ratio", `${columns} / ${rows}`);
  frame.style.setProperty("max-width", `${Math.round((70 * columns) / rows)}vh`);
  const modes = make("div", { className: "modes" });
  modes.setAttribute("role", "group");
  modes.setAttribute("aria-label", "What the scene shows");
  const figure = make("div", { className: "scene" }, modes, frame);
  root.prepend(figure);

  const photo = Object.assign(new Image(), { src: data.scene.image });
  let view = null, mode = "picture";
  photo.onload = () => {
    const sketch = make("canvas", { width: columns, height: rows });
    const context = sketch.getContext("2d", { willReadFrequently: true });
    context.drawImage(photo, 0, 0);
    view = new Int32Array(context.getImageData(0, 0, columns, rows).data.buffer);
    draw();
  };
  const buttons = [["picture", "False colour"], ["paint", "As the map"]].map(([name, text]) => {
    const button = make("button", { type: "button", textContent: text });
    button.addEventListener("click", () => { mode = name; show(); draw(); });
    modes.append(button);
    return [name, button];
  });
  const show = () => buttons.forEach(([name, button]) => button.setAttribute("aria-pressed", String(name === mode)));
  show();

  // What is filtered out or not chosen is seen through a veil.
  const veiled = (colour) => {
    const night = matchMedia("(prefers-color-scheme: dark)").matches, veil = night ? 0x16 : 0xfa;
    const mix = (shift) => Math.round(((colour >> shift) & 255) * 0.22 + veil * 0.78);
    return (255 << 24) | (mix(16) << 16) | (mix(8) << 8) | mix(0);
  };
  function draw() {
    if (!view) return;
    const context = canvas.getContext("2d"), picture = context.createImageData(columns, rows);
    const made = new Int32Array(picture.data.buffer);
    for (let p = 0; p < made.length; p++) {
      const item = itemAt[p];
      if (item < 0) made[p] = mode === "picture" ? veiled(view[p]) : 0;
      else {
        const colour = mode === "picture" ? view[p] : map.colourOf(item);
        made[p] = map.isFront(item) ? colour : veiled(mode === "picture" ? view[p] : colour);
      }
    }
    context.putImageData(picture, 0, 0);
    root.dataset.scene = String(Number(root.dataset.scene || 0) + 1);
  }
  map.on("arrange", () => { if (map.shade >= 0 && mode === "picture") { mode = "paint"; show(); } draw(); });

  let loop = [];
  function mark() {
    const box = canvas.getBoundingClientRect();
    over.width = box.width;
    over.height = box.height;
    const context = over.getContext("2d"), w = box.width / columns, h = box.height / rows;
    if (map.hovered >= 0) {
      const x = ((pixels[map.hovered] % columns) + 0.5) * w, y = (Math.floor(pixels[map.hovered] / columns) + 0.5) * h;
      for (const [colour, thick] of [["#000", 4], ["#fff", 2]]) {
        context.strokeStyle = colour;
        context.lineWidth = thick;
        context.beginPath();
        context.arc(x, y, Math.max(w, 7), 0, 7);
        context.stroke();
      }
    }
    if (loop.length > 1) {
      context.beginPath();
      loop.forEach(([x, y], i) => (i ? context.lineTo(x * w, y * h) : context.moveTo(x * w, y * h)));
      context.closePath();
      for (const [colour, dash] of [["#000", []], ["#fff", [6, 4]]]) {
        context.strokeStyle = colour;
        context.lineWidth = 2;
        context.setLineDash(dash);
        context.stroke();
      }
    }
  }
  map.on("look", mark);

  const place = (e) => {
    const box = canvas.getBoundingClientRect();
    return [((e.clientX - box.left) / box.width) * columns, ((e.clientY - box.top) / box.height) * rows];
  };
  const item = ([x, y]) => {
    const column = Math.floor(x), row = Math.floor(y);
    return column < 0 || row < 0 || column >= columns || row >= rows ? -1 : itemAt[row * columns + column];
  };
  let pulling = false;
  canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); pulling = true; loop = [place(e)]; });
  canvas.addEventListener("pointermove", (e) => {
    if (pulling) { loop.push(place(e)); mark(); } else map.look(item(place(e)));
  });
  canvas.addEventListener("pointerup", () => {
    if (loop.length > 4) map.choose((i) => map.inside(loop, (pixels[i] % columns) + 0.5, Math.floor(pixels[i] / columns) + 0.5));
    pulling = false;
    loop = [];
    mark();
  });
  canvas.addEventListener("pointercancel", () => { pulling = false; loop = []; mark(); });
  canvas.addEventListener("pointerleave", () => { if (!pulling) map.look(-1); });
  canvas.addEventListener("keydown", (e) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[e.key];
    if (!by) return;
    e.preventDefault();
    // A step over pixels that are no items, to the next that is one.
    let at = map.hovered < 0 ? pixels[0] - by : pixels[map.hovered];
    do at += by; while (at >= 0 && at < itemAt.length && itemAt[at] < 0);
    if (at >= 0 && at < itemAt.length) map.look(itemAt[at]);
  });
}
