// Choosing items: lasso, search, what is in view; what was chosen, and its export as a table.
"use strict";
function isthmusChoose(map) {
  const { data, make, labels, count, xs, ys } = map;
  const box = make("div", { className: "choose" });
  const told = make("p", { className: "told" });
  told.setAttribute("role", "status");

  // Which items lie within a closed loop of (x, y): a ray to the right crosses it an odd number of times.
  const inside = (loop, x, y) => {
    let odd = false;
    for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
      const [ax, ay] = loop[i], [bx, by] = loop[j];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  };
  // A new choice takes the place of the last one, among the classes that are shown.
  function choose(test, visible = true) {
    const mask = new Uint8Array(count);
    let many = 0;
    for (let i = 0; i < count; i++) if ((!visible || map.isShown(i)) && test(i)) { mask[i] = 1; many++; }
    if (many) map.select(mask);
    else told.textContent = "Nothing is there.";
    return many;
  }
  map.looped = (loop) => {
    const across = loop.map((p) => p[0]), down = loop.map((p) => p[1]);
    const l = Math.min(...across), r = Math.max(...across), t = Math.min(...down), b = Math.max(...down);
    choose((i) => {
      const x = map.toX(xs[i]), y = map.toY(ys[i]);
      return x >= l && x <= r && y >= t && y <= b && inside(loop, x, y);
    });
  };
  map.inside = inside;
  map.choose = choose;

  const lasso = map.tool("◌", "Lasso: draw around items to select them (shift-drag does it at any time)", () => {
    map.looping = !map.looping;
    lasso.setAttribute("aria-pressed", String(map.looping));
  });
  lasso.setAttribute("aria-pressed", "false");
  const press = (text, title, action) => {
    const button = make("button", { type: "button", textContent: text, title });
    button.addEventListener("click", action);
    return button;
  };
  const inView = press("Select what is in view", "Select every coloured item that is now in the window", () => {
    const [width, height] = map.size;
    choose((i) => {
      const x = map.toX(xs[i]), y = map.toY(ys[i]);
      return x >= 0 && y >= 0 && x <= width && y <= height;
    });
  });
  const clear = press("Clear", "Clear the selection (Escape)", () => { search.value = ""; map.select(null); });
  const save = press("Save as CSV", "Save the selected items as a table", () => {
    const link = make("a", { download: "selection.csv", href: URL.createObjectURL(new Blob([table()], { type: "text/csv" })) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  map.root.addEventListener("keydown", (e) => { if (e.key === "Escape") clear.click(); });

  const search = make("input", { type: "search", placeholder: "Search names" });
  search.setAttribute("aria-label", "Select the items whose name, class or number is or holds this text");
  search.addEventListener("change", () => {
    const text = search.value.trim().toLowerCase();
    if (!text) { map.select(null); return; }
    const classes = new Set((data.classes || []).flatMap((name, k) => (name.toLowerCase().includes(text) ? [k] : [])));
    const number = /^\d+$/.test(text) ? Number(text) : -1;
    map.select(null);
    choose((i) => (labels && classes.has(labels[i])) || i === number || (data.names && data.names[i].toLowerCase().includes(text)), false);
  });

  // A cell that begins like a formula would be run by a spreadsheet: it gets a quote before it.
  const cell = (value) => {
    const text = String(value), safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const pixels = data.scene ? new Int32Array(map.bytes(data.scene.pixels).buffer) : null;
  function table() {
    const head = ["item", "name", "class", "x", "y", ...(pixels ? ["row", "column"] : [])];
    const lines = [[...head, ...map.shades.map((s) => s.name)].map(cell).join(",")];
    for (let i = 0; i < count; i++) {
      if (!map.selected || !map.selected[i]) continue;
      const place = pixels ? [Math.floor(pixels[i] / data.scene.columns), pixels[i] % data.scene.columns] : [];
      const figures = map.shades.map((s) => (s.range[0] + (s.values[i] / 255) * (s.range[1] - s.range[0])).toPrecision(4));
      const own = [i, cell(map.nameOf(i)), cell(map.classOf(i)), xs[i].toPrecision(6), ys[i].toPrecision(6)];
      lines.push([...own, ...place, ...figures].join(","));
    }
    return lines.join("\n") + "\n";
  }
  map.table = table;

  function tellCounts() {
    const { selected } = map;
    for (const each of [clear, save]) each.disabled = !selected;
    if (!selected) { told.textContent = ""; return; }
    let many = 0;
    const each = new Map();
    for (let i = 0; i < count; i++) {
      if (!selected[i]) continue;
      many++;
      if (labels) each.set(labels[i], (each.get(labels[i]) || 0) + 1);
    }
    const most = [...each].sort((a, b) => b[1] - a[1]).slice(0, 6);
    const listed = most.map(([k, n]) => `${k < 0 ? "no label" : data.classes[k]} ${n.toLocaleString()}`).join(", ");
    const more = each.size > 6 ? ` and ${each.size - 6} more` : "";
    told.textContent = `${many.toLocaleString()} of ${count.toLocaleString()} selected${listed ? ": " + listed + more : ""}`;
  }
  map.on("arrange", tellCounts);
  box.append(search, inView, clear, save, told);
  map.side.append(box);
  if (map.shades.length) map.side.append(isthmusColouring(map));
  map.side.append(map.legend);
  tellCounts();
}

// Which figure colours the points, with the scale it is read on.
function isthmusColouring(map) {
  const { make, labels } = map;
  const choice = make("select", {});
  const names = [labels ? "class" : "nothing", ...map.shades.map((s) => s.name)];
  names.forEach((name, k) => choice.append(make("option", { value: String(k - 1), textContent: name })));
  const scale = make("div", { className: "scale", hidden: true });
  const low = make("span", {}), high = make("span", {}), strip = make("span", { className: "strip" });
  strip.style.setProperty("background", `linear-gradient(to right, ${map.ramp.join(",")})`);
  scale.append(low, strip, high);
  choice.addEventListener("change", () => {
    const number = Number(choice.value);
    scale.hidden = number < 0;
    if (number >= 0) [low.textContent, high.textContent] = map.shades[number].range.map((v) => Number(v.toPrecision(3)).toString());
    map.shadeBy(number);
  });
  return make("div", { className: "colouring" }, make("label", {}, "Colour by ", choice), scale);
}
