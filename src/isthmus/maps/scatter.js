// A map of codes: points on a canvas; pan, zoom, class filter, colour by figure. No dependencies.
// isthmusMap(root, data) builds everything inside root and returns what the other parts hold on to.
"use strict";
function isthmusMap(root, data) {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const make = (tag, props, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };
  const heard = { look: [], arrange: [] };
  const tell = (kind, value) => heard[kind].forEach((each) => each(value));

  // Items in an order by chance: a class drawn last would hide those drawn before it.
  const [xs, ys] = (() => {
    if (!data.bounds) {
      const held = new Float32Array(bytes(data.points).buffer);
      return [held.filter((_, i) => i % 2 === 0), held.filter((_, i) => i % 2 === 1)];
    }
    const held = new Uint16Array(bytes(data.points).buffer), [l, b, r, t] = data.bounds;
    const many = held.length / 2, x = new Float32Array(many), y = new Float32Array(many);
    for (let i = 0; i < many; i++) {
      x[i] = l + (held[2 * i] / 65535) * (r - l);
      y[i] = b + (held[2 * i + 1] / 65535) * (t - b);
    }
    return [x, y];
  })();
  const count = xs.length;
  const labels = data.labels ? new Int16Array(bytes(data.labels).buffer) : null;
  const order = new Int32Array(count);
  let chance = 12345;
  for (let i = 0; i < count; i++) {
    chance = (Math.imul(chance, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((chance / 4294967296) * (i + 1));
    order[i] = order[j];
    order[j] = i;
  }

  const canvas = make("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", data.summary);
  const over = make("canvas", { className: "over" });
  over.setAttribute("aria-hidden", "true");
  const legend = make("div", { className: "legend" });
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Classes: click shows one alone, shift-click adds or removes it");
  const bar = make("div", { className: "bar" });
  const stage = make("div", { className: "stage" }, canvas, over, bar);
  const side = make("div", { className: "side" });
  root.append(stage, side);

  // Bounds without reduce or spread: a million items do not fit on the stack.
  let left = Infinity, right = -Infinity, bottom = Infinity, top = -Infinity;
  for (let i = 0; i < count; i++) {
    if (xs[i] < left) left = xs[i];
    if (xs[i] > right) right = xs[i];
    if (ys[i] < bottom) bottom = ys[i];
    if (ys[i] > top) top = ys[i];
  }
  const home = { x: (left + right) / 2, y: (bottom + top) / 2, scale: 1 };
  let view = { ...home }, width = 0, height = 0, hovered = -1, selected = null, shade = -1;
  const hidden = new Set();
  const fit = () => 0.92 * Math.min(width / Math.max(right - left, 1e-9), height / Math.max(top - bottom, 1e-9));
  const toX = (x) => (x - view.x) * fit() * view.scale + width / 2;
  const toY = (y) => height / 2 - (y - view.y) * fit() * view.scale;

  const night = matchMedia("(prefers-color-scheme: dark)");
  const pack = (r, g, b) => (255 << 24) | (b << 16) | (g << 8) | r;
  const packed = (hex) => pack(...[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  // Black would drown in a dark page: there it is white.
  const seen = (hex) => (hex === "#000000" && night.matches ? "#ffffff" : hex);
  const grey = pack(0x9a, 0x9a, 0x9a);
  const faint = () => (night.matches ? pack(0x32, 0x36, 0x3a) : pack(0xdd, 0xe0, 0xe2));
  let colours = data.colours.map((hex) => packed(seen(hex)));
  // Cividis (Nunez, Anderton & Renslow 2018): even in lightness, the same for the colour-blind.
  const ramp = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];
  const ramps = Int32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * 9, k = Math.min(8, Math.floor(at)), share = at - k;
    const one = [1, 3, 5].map((c) => parseInt(ramp[k].slice(c, c + 2), 16));
    const two = [1, 3, 5].map((c) => parseInt(ramp[k + 1].slice(c, c + 2), 16));
    return pack(...one.map((v, c) => Math.round(v + (two[c] - v) * share)));
  });
  const shades = data.shades.map((each) => ({ ...each, values: bytes(each.values) }));
  const colourOf = (i) =>
    shade >= 0 ? ramps[shades[shade].values[i]] : !labels ? colours[0] : labels[i] < 0 ? grey : colours[labels[i]];
  const isShown = (i) => !labels || !hidden.has(labels[i]);
  const isFront = (i) => isShown(i) && (!selected || selected[i] === 1);

  // Points in the order they are drawn: those that are filtered out go grey and lie below; none vanishes.
  const px = new Float32Array(count), py = new Float32Array(count);
  const paint = new Int32Array(count), drawn = new Int32Array(count);
  let back = 0;
  function arrange() {
    const dim = faint();
    let below = 0, above = count;
    for (let k = 0; k < count; k++) {
      const i = order[k], front = isFront(i), at = front ? --above : below++;
      drawn[at] = i;
      px[at] = xs[i];
      py[at] = ys[i];
      paint[at] = front ? colourOf(i) : dim;
    }
    back = below;
    redraw();
    tell("arrange");
  }

  const sheet = data.grid ? Object.assign(new Image(), { src: data.grid.image, onload: () => draw() }) : null;
  let showGrid = false, frame = null, pixels = null;
  const layer = document.createElement("canvas");
  function draw() {
    if (!width) return;
    const context = canvas.getContext("2d"), w = canvas.width, h = canvas.height, ratio = w / width;
    if (!frame || frame.width !== w || frame.height !== h) {
      frame = context.createImageData(w, h);
      pixels = new Int32Array(frame.data.buffer);
    }
    pixels.fill(0);
    const base = count > 200000 ? 0.7 : count > 20000 ? 1.2 : count > 4000 ? 2 : 2.8;
    const radius = Math.min(5, base * Math.sqrt(view.scale)) * ratio;
    const s = fit() * view.scale * ratio, ox = w / 2 - view.x * s, oy = h / 2 + view.y * s;
    if (radius < 1.3) squares(Math.max(1, Math.round(radius * 1.6)), s, ox, oy, w, h);
    else discs(radius, s, ox, oy, w, h);
    if (showGrid && sheet && sheet.complete) {
      const [gl, gr, gb, gt] = data.grid.edges;
      layer.width = w;
      layer.height = h;
      layer.getContext("2d").putImageData(frame, 0, 0);
      context.clearRect(0, 0, w, h);
      context.imageSmoothingEnabled = false;
      context.drawImage(sheet, toX(gl) * ratio, toY(gt) * ratio, (toX(gr) - toX(gl)) * ratio, (toY(gb) - toY(gt)) * ratio);
      context.drawImage(layer, 0, 0);
    } else context.putImageData(frame, 0, 0);
    mark();
    root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1);
  }

  function squares(side, s, ox, oy, w, h) {
    for (let k = 0; k < count; k++) {
      const x = Math.floor(px[k] * s + ox), y = Math.floor(oy - py[k] * s);
      if (x < 0 || y < 0 || x + side > w || y + side > h) continue;
      const colour = paint[k];
      for (let j = 0, at = y * w + x; j < side; j++, at += w) for (let i = 0; i < side; i++) pixels[at + i] = colour;
    }
  }

  function discs(radius, s, ox, oy, w, h) {
    const reach = Math.floor(radius), spans = [];
    for (let dy = -reach; dy <= reach; dy++) spans.push(Math.floor(Math.sqrt((radius + 0.3) ** 2 - dy * dy)));
    for (let k = 0; k < count; k++) {
      const x = Math.round(px[k] * s + ox), y = Math.round(oy - py[k] * s);
      if (x < -reach || y < -reach || x > w + reach || y > h + reach) continue;
      const colour = paint[k];
      for (let dy = -reach; dy <= reach; dy++) {
        if (y + dy < 0 || y + dy >= h) continue;
        const half = spans[dy + reach], row = (y + dy) * w;
        for (let at = row + Math.max(0, x - half), end = row + Math.min(w - 1, x + half); at <= end; at++) pixels[at] = colour;
      }
    }
  }

  // The ring around an item and the loop of a lasso lie on their own canvas: pointing redraws no points.
  let loop = [];
  function mark() {
    const context = over.getContext("2d"), ratio = over.width / width;
    context.clearRect(0, 0, over.width, over.height);
    context.strokeStyle = getComputedStyle(root).color;
    context.lineWidth = 2 * ratio;
    if (hovered >= 0) {
      context.beginPath();
      context.arc(toX(xs[hovered]) * ratio, toY(ys[hovered]) * ratio, 8 * ratio, 0, 7);
      context.stroke();
    }
    if (loop.length > 1) {
      context.beginPath();
      loop.forEach(([x, y], i) => (i ? context.lineTo(x * ratio, y * ratio) : context.moveTo(x * ratio, y * ratio)));
      context.closePath();
      context.setLineDash([6 * ratio, 4 * ratio]);
      context.stroke();
      context.setLineDash([]);
    }
  }

  let waiting = false;
  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  function nearest(x, y) {
    const s = fit() * view.scale, fx = (x - width / 2) / s + view.x, fy = view.y - (y - height / 2) / s;
    let best = -1, least = (18 / s) ** 2;
    for (let k = back; k < count; k++) {
      const d = (px[k] - fx) ** 2 + (py[k] - fy) ** 2;
      if (d < least) { least = d; best = k; }
    }
    return best < 0 ? -1 : drawn[best];
  }

  function look(item) {
    if (item === hovered) return;
    hovered = item;
    mark();
    tell("look", item);
  }

  const zoom = (factor, x = width / 2, y = height / 2) => {
    const s = fit() * view.scale, ax = (x - width / 2) / s + view.x, ay = view.y - (y - height / 2) / s;
    view.scale = Math.min(400, Math.max(0.5, view.scale * factor));
    const t = fit() * view.scale;
    view.x = ax - (x - width / 2) / t;
    view.y = ay + (y - height / 2) / t;
    redraw();
  };
  const move = (dx, dy) => { const s = fit() * view.scale; view.x -= dx / s; view.y += dy / s; redraw(); };

  const api = {
    root, data, count, labels, shades, canvas, stage, side, bar, legend, bytes, make, toX, toY, look, nearest,
    colourOf, isShown, isFront, xs, ys, seen, ramp,
    on: (kind, each) => heard[kind].push(each),
    get hovered() { return hovered; },
    get selected() { return selected; },
    get size() { return [width, height]; },
    looping: false,
    loop(points) { loop = points; mark(); },
    looped: null,
    select(mask) { selected = mask; arrange(); },
    shadeBy(number) { shade = number; arrange(); },
    get shade() { return shade; },
    nameOf: (item) => (data.names ? data.names[item] : `item ${item}`),
    classOf: (item) => (!labels ? "" : labels[item] < 0 ? "no label" : data.classes[labels[item]]),
    tool(text, title, action) {
      const button = make("button", { type: "button", textContent: text, title });
      button.setAttribute("aria-label", title);
      button.addEventListener("click", action);
      bar.append(button);
      return button;
    },
  };

  const fingers = new Map();
  let path = null;
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId);
    fingers.set(e.pointerId, [e.offsetX, e.offsetY]);
    path = fingers.size === 1 && (api.looping || e.shiftKey) ? [[e.offsetX, e.offsetY]] : null;
    api.loop([]);
  });
  canvas.addEventListener("pointermove", (e) => {
    const before = fingers.get(e.pointerId);
    if (!before) { look(nearest(e.offsetX, e.offsetY)); return; }
    if (path) { path.push([e.offsetX, e.offsetY]); api.loop(path); }
    else if (fingers.size === 1) move(e.offsetX - before[0], e.offsetY - before[1]);
    else {
      const other = [...fingers].find(([id]) => id !== e.pointerId)[1];
      const gap = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      zoom(gap([e.offsetX, e.offsetY]) / gap(before), other[0], other[1]);
    }
    fingers.set(e.pointerId, [e.offsetX, e.offsetY]);
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (e) => {
    fingers.delete(e.pointerId);
    if (path && path.length > 2 && kind === "pointerup" && api.looped) api.looped(path);
    else if (e.pointerType === "touch") look(nearest(e.offsetX, e.offsetY));
    path = null;
    api.loop([]);
  });
  canvas.addEventListener("pointerleave", () => look(-1));
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY); }, { passive: false });
  // From item to item by keyboard, among those that are not filtered out.
  const step = (by) => {
    for (let i = hovered, k = 0; k < count; k++) {
      i = (i + by + count) % count;
      if (isFront(i)) return look(i);
    }
  };
  canvas.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const far = 40, act = {
      ArrowLeft: () => move(far, 0), ArrowRight: () => move(-far, 0), ArrowUp: () => move(0, far),
      ArrowDown: () => move(0, -far), "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3),
      0: () => { view = { ...home }; redraw(); }, n: () => step(1), N: () => step(-1),
    }[e.key];
    if (act) { e.preventDefault(); act(); }
  });

  const buttons = [];
  const refresh = () => {
    for (const [number, button] of buttons) button.setAttribute("aria-pressed", String(!hidden.has(number)));
    arrange();
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
  api.tool("+", "Zoom in", () => zoom(1.5));
  api.tool("−", "Zoom out", () => zoom(1 / 1.5));
  api.tool("⌂", "Show everything", () => { view = { ...home }; redraw(); });
  if (sheet) {
    const toggle = api.tool("▦", "Decoded sheet under the points", () => {
      showGrid = !showGrid;
      toggle.setAttribute("aria-pressed", String(showGrid));
      redraw();
    });
    toggle.setAttribute("aria-pressed", "false");
  }

  const size = () => {
    const box = canvas.getBoundingClientRect(), ratio = Math.min(devicePixelRatio || 1, 2);
    width = box.width; height = box.height;
    for (const each of [canvas, over]) {
      each.width = Math.round(width * ratio);
      each.height = Math.round(height * ratio);
    }
    draw();
  };
  night.addEventListener("change", () => {
    colours = data.colours.map((hex) => packed(seen(hex)));
    arrange();
  });
  arrange();
  size();
  new ResizeObserver(size).observe(canvas);
  return api;
}
