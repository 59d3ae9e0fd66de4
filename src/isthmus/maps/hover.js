// What an item is: its picture or curve beside its reconstruction, its class, name and figures.
"use strict";
function isthmusHover(map) {
  const { data, make, bytes, root } = map;
  const shown = data.pictures ? new Int32Array(bytes(data.pictures.items).buffer) : new Int32Array(0);
  const placeOf = new Map(Array.from(shown, (item, place) => [item, place]));
  const curves = data.pictures && data.pictures.curves ? bytes(data.pictures.curves) : null;
  const rebuilt = data.pictures && data.pictures.rebuilt ? bytes(data.pictures.rebuilt) : null;
  const sheets = ((data.pictures && data.pictures.sheets) || []).map((uri) => Object.assign(new Image(), { src: uri }));
  const picture = make("canvas", { className: curves ? "picture wide" : "picture", width: curves ? 440 : 112, height: curves ? 260 : 112 });
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", "The item that is pointed at");
  const caption = make("p", { className: "caption", textContent: data.hint });
  caption.setAttribute("aria-live", "polite");
  map.side.prepend(picture, caption);

  const pixels = data.scene ? new Int32Array(bytes(data.scene.pixels).buffer) : null;
  function words(item) {
    const parts = [map.classOf(item), map.nameOf(item)];
    if (data.scene) {
      const pixel = pixels[item];
      parts[1] = `row ${Math.floor(pixel / data.scene.columns)}, column ${pixel % data.scene.columns}`;
    }
    const shade = map.shades[Math.max(map.shade, 0)];
    if (shade) {
      const [low, high] = shade.range;
      parts.push(`${shade.name} ${(low + (shade.values[item] / 255) * (high - low)).toPrecision(3)}`);
    }
    return parts.filter(Boolean).join(" · ");
  }
  function sprite(context, place) {
    const { cell, columns, perSheet } = data.pictures;
    const image = sheets[Math.floor(place / perSheet)], at = place % perSheet;
    context.imageSmoothingEnabled = false;
    const scale = Math.min(picture.width / cell[0], picture.height / cell[1]);
    context.drawImage(image, (at % columns) * cell[0], Math.floor(at / columns) * cell[1], cell[0], cell[1],
      (picture.width - cell[0] * scale) / 2, (picture.height - cell[1] * scale) / 2, cell[0] * scale, cell[1] * scale);
  }

  // Lines of (values, style, dashes) on one scale, with the ends of both axes written at them.
  function plot(lines) {
    const context = picture.getContext("2d"), { steps, range, ends } = data.pictures;
    const style = getComputedStyle(root), low = 34, foot = 26;
    context.clearRect(0, 0, picture.width, picture.height);
    for (const [at, colour, dash] of lines) {
      context.beginPath();
      for (let i = 0; i < steps; i++) {
        const x = 6 + (i / Math.max(steps - 1, 1)) * (picture.width - 12);
        const y = picture.height - foot - (at(i) / 255) * (picture.height - foot - low);
        if (i) context.lineTo(x, y); else context.moveTo(x, y);
      }
      context.strokeStyle = colour;
      context.lineWidth = 3;
      context.setLineDash(dash);
      context.stroke();
    }
    context.setLineDash([]);
    context.font = "20px system-ui, sans-serif";
    context.fillStyle = style.getPropertyValue("--soft") || style.color;
    const short = (value) => Number(value.toPrecision(3)).toString();
    context.textAlign = "left";
    context.fillText(short(range[1]), 6, 20);
    if (ends) {
      context.fillText(ends[0], 6, picture.height - 4);
      context.textAlign = "right";
      context.fillText(ends[1], picture.width - 6, picture.height - 4);
    }
    if (lines.some((line) => line[2].length)) {
      context.textAlign = "right";
      context.fillText("- - rebuilt", picture.width - 6, 20);
    }
  }
  const ink = () => getComputedStyle(root).color;
  const second = () => getComputedStyle(root).getPropertyValue("--code").trim() || "#c8641b";
  const line = (held, place) => (i) => held[place * data.pictures.steps + i];

  map.on("look", (item) => {
    picture.getContext("2d").clearRect(0, 0, picture.width, picture.height);
    caption.textContent = item < 0 ? data.hint : words(item);
    if (item < 0) { if (curves) mean(); return; }
    const place = placeOf.get(item);
    if (place === undefined) return;
    if (!curves) { sprite(picture.getContext("2d"), place); return; }
    plot([[line(curves, place), ink(), []], ...(rebuilt ? [[line(rebuilt, place), second(), [8, 6]]] : [])]);
  });

  // With a selection and nothing pointed at: the mean curve of the selection.
  function mean() {
    const { selected } = map;
    if (!selected) return;
    const { steps } = data.pictures, sum = new Float64Array(steps);
    let many = 0;
    shown.forEach((item, place) => {
      if (!selected[item]) return;
      many++;
      for (let i = 0; i < steps; i++) sum[i] += curves[place * steps + i];
    });
    if (!many) return;
    plot([[(i) => sum[i] / many, ink(), []]]);
    caption.textContent = `Mean of ${many.toLocaleString()} selected`;
  }
  if (curves) map.on("arrange", () => { if (map.hovered < 0) mean(); });
}
