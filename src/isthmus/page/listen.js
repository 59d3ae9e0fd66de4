"use strict";
// One clock for all versions of a recording: each runs all the time, and a gain says which is heard.
let speaker = null, playing = null;
class Player {
  constructor(root) {
    this.root = root;
    this.seconds = Number(root.dataset.seconds);
    this.play = root.querySelector(".play");
    this.range = root.querySelector("input");
    this.output = root.querySelector("output");
    this.choices = [...root.querySelectorAll("[role=radio]")];
    this.takes = [...root.querySelectorAll(".take")];
    this.place = 0;
    this.chosen = 0;
    this.play.addEventListener("click", () => (this.started ? this.stop() : this.start()));
    this.range.addEventListener("input", () => this.go(Number(this.range.value)));
    this.choices.forEach((choice, i) => choice.addEventListener("click", () => this.choose(i)));
    for (const take of this.takes) {
      const stage = take.querySelector(".stage");
      stage.addEventListener("click", (event) => {
        const box = stage.getBoundingClientRect();
        this.go(((event.clientX - box.left) / box.width) * this.seconds);
      });
    }
    root.addEventListener("keydown", (event) => this.key(event));
    this.choose(0);
    this.show();
  }
  key(event) {
    const own = event.target === this.range || event.target.tagName === "BUTTON";
    if (event.key >= "1" && event.key <= String(this.choices.length)) this.choose(Number(event.key) - 1);
    else if (event.target.getAttribute("role") === "radio" && /^Arrow/.test(event.key)) {
      const step = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
      this.choose((this.chosen + step + this.choices.length) % this.choices.length);
      this.choices[this.chosen].focus();
      event.preventDefault();
    } else if (event.key === " " && !own) {
      this.play.click();
      event.preventDefault();
    }
  }
  choose(index) {
    this.chosen = index;
    this.choices.forEach((choice, i) => {
      choice.setAttribute("aria-checked", String(i === index));
      choice.tabIndex = i === index ? 0 : -1;
    });
    this.takes.forEach((take, i) => take.classList.toggle("heard", i === index));
    if (this.gains) this.gains.forEach((gain, i) => gain.gain.setTargetAtTime(i === index ? 1 : 0, speaker.currentTime, 0.008));
  }
  async load() {
    const bytes = (text) => Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0)).buffer;
    const sounds = this.takes.map((take) => take.querySelector(".sound").textContent);
    this.buffers = await Promise.all(sounds.map((text) => speaker.decodeAudioData(bytes(text))));
  }
  async start() {
    speaker = speaker || new AudioContext();
    if (playing) playing.stop();
    playing = this;
    this.started = true;
    try {
      await speaker.resume();
      if (!this.buffers) await this.load();
    } catch (error) {
      this.root.querySelector(".fault").textContent = `This browser cannot play the sound (${error.message}).`;
      this.stop();
      return;
    }
    if (!this.started) return;
    if (this.place >= this.seconds - 0.02) this.place = 0;
    this.run();
    this.play.textContent = "❚❚";
    this.play.setAttribute("aria-label", "Pause");
    this.root.dataset.playing = "true";
    this.tick();
  }
  run() {
    this.begun = speaker.currentTime - this.place;
    this.gains = this.buffers.map((_, i) => new GainNode(speaker, { gain: i === this.chosen ? 1 : 0 }));
    this.sources = this.buffers.map((buffer, i) => {
      const source = new AudioBufferSourceNode(speaker, { buffer });
      source.connect(this.gains[i]).connect(speaker.destination);
      source.start(speaker.currentTime, Math.min(this.place, Math.max(buffer.duration - 0.01, 0)));
      return source;
    });
  }
  quiet() {
    for (const source of this.sources || []) source.stop();
    for (const gain of this.gains || []) gain.disconnect();
    this.sources = this.gains = null;
  }
  stop() {
    this.quiet();
    this.started = false;
    this.play.textContent = "▶";
    this.play.setAttribute("aria-label", "Play");
    this.root.dataset.playing = "false";
    if (playing === this) playing = null;
  }
  go(place) {
    this.place = Math.min(Math.max(place, 0), this.seconds);
    if (this.sources) {
      this.quiet();
      this.run();
    }
    this.show();
  }
  tick() {
    if (!this.started || !this.sources) return;
    this.place = speaker.currentTime - this.begun;
    if (this.place >= this.seconds) {
      this.place = this.seconds;
      this.stop();
    }
    this.show();
    if (this.started) requestAnimationFrame(() => this.tick());
  }
  show() {
    this.range.value = this.place;
    this.output.textContent = `${this.place.toFixed(1)} s`;
    this.range.setAttribute("aria-valuetext", this.output.textContent);
    for (const take of this.takes) take.style.setProperty("--x", `${(100 * this.place) / Math.max(this.seconds, 1e-6)}%`);
  }
}
for (const root of document.querySelectorAll(".recording")) new Player(root);
