// Items that are heard: pointing at one plays it, once sound is switched on; p plays it in any case.
"use strict";
function isthmusSound(map) {
  const { data, bytes } = map;
  const { samples, rate } = data.sounds;
  const held = new Int8Array(bytes(data.sounds.waves).buffer);
  const placeOf = new Map(Array.from(new Int32Array(bytes(data.sounds.items).buffer), (item, place) => [item, place]));
  let speaker = null, now = null, on = false;
  // Mu-law back to samples; the ends fade over 4 ms, so that no piece begins with a click.
  const wave = (place) => Float32Array.from({ length: samples }, (_, i) => {
    const bent = held[place * samples + i] / 127, fade = Math.min(1, (Math.min(i, samples - 1 - i) + 1) / (rate * 0.004));
    return Math.sign(bent) * ((256 ** Math.abs(bent) - 1) / 255) * 0.8 * fade;
  });
  function play(item) {
    const place = placeOf.get(item);
    if (place === undefined) return;
    speaker = speaker || new AudioContext();
    if (now) now.stop();
    const buffer = speaker.createBuffer(1, samples, rate);
    buffer.copyToChannel(wave(place), 0);
    now = speaker.createBufferSource();
    now.buffer = buffer;
    now.connect(speaker.destination);
    now.start();
    map.root.dataset.played = String(Number(map.root.dataset.played || 0) + 1);
  }
  const toggle = map.tool("♪", "Play an item when it is pointed at", () => {
    on = !on;
    toggle.setAttribute("aria-pressed", String(on));
    if (on) speaker = speaker || new AudioContext();
  });
  toggle.setAttribute("aria-pressed", "false");
  map.on("look", (item) => { if (on && item >= 0) play(item); });
  map.canvas.addEventListener("click", () => { if (map.hovered >= 0) play(map.hovered); });
  map.canvas.addEventListener("keydown", (e) => { if (e.key === "p" && map.hovered >= 0) play(map.hovered); });
}
