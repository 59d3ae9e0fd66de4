// A map of codes: canvas points, pan, zoom, class filter, and what lies under the pointer.
// No dependencies. mount(root, data) builds everything inside root.
"use strict";
function isthmusMap(root, data) {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const points = new Float32Array(bytes(data.points).buffer);
  const labels = data.labels ? new Int16Array(bytes(data.labels).buffer) : null;
  const shown = data.pictures ? new Int32Array(bytes(data.pictures.items).buffer) : new Int32Array(0);
  const pictureOf = new Map(Array.from(shown, (item, place) => [item, place]));
  const count = points.length / 2;
  const hidden = new Set();
  const make = (tag, props, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };

  const canvas = make("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", data.summary);
  const legend = make("div", { className: "legend" });
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Classes: click shows one alone, shift-click adds or removes it");
  const picture = make("canvas", { className: "picture", width: 112, height: 112 });
  const caption = make("p", { className: "caption", textContent: data.hint });
  caption.setAttribute("aria-live", "polite");
  const bar = make("div", { className: "bar" });
  const side = make("div", { className: "side" }, picture, caption, legend);
  root.append(make("div", { className: "stage" }, canvas, bar), side);

  const sheets = ((data.pictures && data.pictures.sheets) || []).map((uri) => {
    const image = new Image();
    image.src = uri;
    return image;
  });
  const sheet = data.grid ? Object.assign(new Image(), { src: data.grid.image, onload: () => draw() }) : null;
  let showGrid = false;

  let left = Infinity, right = -Infinity, bottom = Infinity, top = -Infinity;
  for (let i = 0; i < count; i++) {
    left = Math.min(left, points[2 * i]); right = Math.max(right, points[2 * i]);
    bottom = Math.min(bottom, points[2 * i + 1]); top = Math.max(top, points[2 * i + 1]);
  }
  const home = { x: (left + right) / 2, y: (bottom + top) / 2, scale: 1 };
  let view = { ...home }, width = 0, height = 0, hovered = -1;
  const fit = () => 0.92 * Math.min(width / Math.max(right - left, 1e-9), height / Math.max(top - bottom, 1e-9));
  const toX = (x) => (x - view.x) * fit() * view.scale + width / 2;
  const toY = (y) => height / 2 - (y - view.y) * fit() * view.scale;

  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const night = matchMedia("(prefers-color-scheme: dark)");
  const pack = (hex) => { const [r, g, b] = rgb(hex); return (255 << 24) | (b << 16) | (g << 8) | r; };
  // Black would drown in a dark page: there it is white.
  const seen = (hex) => (hex === "#000000" && night.matches ? "#ffffff" : hex);
  let colours = data.colours.map((hex) => pack(seen(hex)));
  const grey = (255 << 24) | (0x9a << 16) | (0x9a << 8) | 0x9a;
  const faint = () => (night.matches ? 0xff3a3632 : 0xffe2e0dd) | 0;
  const colourOf = (i) => !labels ? colours[0] : labels[i] < 0 ? grey : colours[labels[i]];
  const visible = (i) => !labels || !hidden.has(labels[i]);

  function draw() {
    if (!width) return;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const ratio = canvas.width / width;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (showGrid && sheet && sheet.complete) {
      const [gl, gr, gb, gt] = data.grid.edges;
      context.imageSmoothingEnabled = false;
      context.drawImage(sheet, toX(gl) * ratio, toY(gt) * ratio, (toX(gr) - toX(gl)) * ratio, (toY(gb) - toY(gt)) * ratio);
    }
    const frame = context.getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Int32Array(frame.data.buffer);
    const base = count > 20000 ? 1.2 : count > 4000 ? 2 : 2.8;
    const radius = Math.min(5, base * Math.sqrt(view.scale)) * ratio;
    const reach = Math.ceil(radius), rr = radius * radius;
    const dim = faint();
    // Points that are filtered out go grey and lie below; they never vanish.
    for (const pass of [false, true]) {
      for (let i = 0; i < count; i++) {
        if (visible(i) !== pass) continue;
        const cx = toX(points[2 * i]) * ratio, cy = toY(points[2 * i + 1]) * ratio;
        if (cx < -reach || cy < -reach || cx > canvas.width + reach || cy > canvas.height + reach) continue;
        const colour = pass ? colourOf(i) : dim;
        for (let y = Math.max(0, Math.round(cy) - reach); y <= Math.min(canvas.height - 1, Math.round(cy) + reach); y++)
          for (let x = Math.max(0, Math.round(cx) - reach); x <= Math.min(canvas.width - 1, Math.round(cx) + reach); x++)
            if ((x - cx) ** 2 + (y - cy) ** 2 <= rr + 0.3) pixels[y * canvas.width + x] = colour;
      }
    }
    context.putImageData(frame, 0, 0);
    if (hovered >= 0) {
      context.beginPath();
      context.arc(toX(points[2 * hovered]) * ratio, toY(points[2 * hovered + 1]) * ratio, radius + 4 * ratio, 0, 7);
      context.strokeStyle = getComputedStyle(root).color;
      context.lineWidth = 2 * ratio;
      context.stroke();
    }
    root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1);
  }

  let waiting = false;
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };

  function nearest(x, y) {
    let best = -1, least = 18 * 18;
    for (let i = 0; i < count; i++) {
      if (!visible(i)) continue;
      const d = (toX(points[2 * i]) - x) ** 2 + (toY(points[2 * i + 1]) - y) ** 2;
      if (d < least) { least = d; best = i; }
    }
    return best;
  }

  function look(item) {
    if (item === hovered) return;
    hovered = item;
    redraw();
    const context = picture.getContext("2d");
    context.clearRect(0, 0, picture.width, picture.height);
    if (item < 0) { caption.textContent = data.hint; return; }
    const name = !labels ? "" : labels[item] < 0 ? "no label" : data.classes[labels[item]];
    const label = data.names ? data.names[item] : `item ${item}`;
    caption.textContent = name ? `${name} · ${label}` : label;
    const place = pictureOf.get(item);
    if (place === undefined) return;
    if (data.pictures.curves) drawCurve(context, place); else drawSprite(context, place);
  }

  function drawSprite(context, place) {
    const { cell, columns, perSheet } = data.pictures;
    const image = sheets[Math.floor(place / perSheet)], at = place % perSheet;
    context.imageSmoothingEnabled = false;
    const scale = Math.min(picture.width / cell[0], picture.height / cell[1]);
    context.drawImage(image, (at % columns) * cell[0], Math.floor(at / columns) * cell[1], cell[0], cell[1],
      (picture.width - cell[0] * scale) / 2, (picture.height - cell[1] * scale) / 2, cell[0] * scale, cell[1] * scale);
  }

  const curves = data.pictures && data.pictures.curves ? bytes(data.pictures.curves) : null;
  function drawCurve(context, place) {
    const steps = data.pictures.steps;
    context.beginPath();
    for (let i = 0; i < steps; i++) {
      const x = 4 + (i / Math.max(steps - 1, 1)) * (picture.width - 8);
      const y = picture.height - 4 - (curves[place * steps + i] / 255) * (picture.height - 8);
      if (i) context.lineTo(x, y); else context.moveTo(x, y);
    }
    context.strokeStyle = getComputedStyle(root).color;
    context.lineWidth = 1.5;
    context.stroke();
  }

  const zoom = (factor, x = width / 2, y = height / 2) => {
    const s = fit() * view.scale, px = (x - width / 2) / s + view.x, py = view.y - (y - height / 2) / s;
    view.scale = Math.min(200, Math.max(0.5, view.scale * factor));
    const t = fit() * view.scale;
    view.x = px - (x - width / 2) / t;
    view.y = py + (y - height / 2) / t;
    redraw();
  };
  const move = (dx, dy) => { const s = fit() * view.scale; view.x -= dx / s; view.y += dy / s; redraw(); };

  const fingers = new Map();
  canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); fingers.set(e.pointerId, [e.offsetX, e.offsetY]); });
  canvas.addEventListener("pointermove", (e) => {
    const before = fingers.get(e.pointerId);
    if (!before) { look(nearest(e.offsetX, e.offsetY)); return; }
    if (fingers.size === 1) move(e.offsetX - before[0], e.offsetY - before[1]);
    else {
      const other = [...fingers].find(([id]) => id !== e.pointerId)[1];
      const gap = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      zoom(gap([e.offsetX, e.offsetY]) / gap(before), other[0], other[1]);
    }
    fingers.set(e.pointerId, [e.offsetX, e.offsetY]);
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (e) => {
    fingers.delete(e.pointerId);
    if (e.pointerType === "touch") look(nearest(e.offsetX, e.offsetY));
  });
  canvas.addEventListener("pointerleave", () => look(-1));
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY); }, { passive: false });
  canvas.addEventListener("keydown", (e) => {
    const step = 40, act = {
      ArrowLeft: () => move(step, 0), ArrowRight: () => move(-step, 0), ArrowUp: () => move(0, step),
      ArrowDown: () => move(0, -step), "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3),
      0: () => { view = { ...home }; redraw(); }, n: () => look((hovered + 1) % count),
    }[e.key];
    if (act) { e.preventDefault(); act(); }
  });

  const buttons = [];
  const refresh = () => {
    for (const [number, button] of buttons) button.setAttribute("aria-pressed", String(!hidden.has(number)));
    redraw();
  };
  (data.classes || []).forEach((name, number) => {
    const dot = make("span", { className: "dot" });
    dot.style.setProperty("background", seen(data.colours[number]));
    const button = make("button", { type: "button" }, dot, name);
    button.addEventListener("click", (e) => {
      const alone = data.classes.every((_, k) => hidden.has(k) === (k !== number));
      if (e.shiftKey || e.ctrlKey || e.metaKey) { if (!hidden.delete(number)) hidden.add(number); }
      else { hidden.clear(); if (!alone) data.classes.forEach((_, k) => k !== number && hidden.add(k)); }
      refresh();
    });
    buttons.push([number, button]);
    legend.append(button);
  });
  const tool = (text, title, action) => {
    const button = make("button", { type: "button", textContent: text, title });
    button.setAttribute("aria-label", title);
    button.addEventListener("click", action);
    bar.append(button);
    return button;
  };
  tool("+", "Zoom in", () => zoom(1.5));
  tool("−", "Zoom out", () => zoom(1 / 1.5));
  tool("⌂", "Show everything", () => { view = { ...home }; redraw(); });
  if (sheet) {
    const toggle = tool("▦", "Decoded sheet under the points", () => {
      showGrid = !showGrid;
      toggle.setAttribute("aria-pressed", String(showGrid));
      redraw();
    });
    toggle.setAttribute("aria-pressed", "false");
  }

  const size = () => {
    const box = canvas.getBoundingClientRect(), ratio = Math.min(devicePixelRatio || 1, 2);
    width = box.width; height = box.height;
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    draw();
  };
  size();
  new ResizeObserver(size).observe(canvas);
  night.addEventListener("change", () => {
    colours = data.colours.map((hex) => pack(seen(hex)));
    redraw();
  });
  refresh();
}
for (const root of document.querySelectorAll("[data-map]"))
  isthmusMap(root, JSON.parse(document.getElementById(root.dataset.map).textContent));
