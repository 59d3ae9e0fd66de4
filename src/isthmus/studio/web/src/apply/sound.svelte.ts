// One clock for all versions of a recording: each runs all the time, and a gain says which is heard.

let speaker: AudioContext | null = null;
let playing: Player | null = null;
const take = (player: Player | null): void => {
  if (playing !== player) playing?.stop();
  playing = player;
};

export class Player {
  place = $state(0);
  started = $state(false);
  chosen = $state(1);
  even = $state(false);
  fault = $state("");
  private buffers: AudioBuffer[] | null = null;
  private gains: GainNode[] = [];
  private sources: AudioBufferSourceNode[] = [];
  private begun = 0;

  constructor(
    readonly urls: string[],
    readonly seconds: number,
    /** Mean level of each version, to hear them equally loud. */
    readonly levels: number[],
  ) {}

  async start(): Promise<void> {
    speaker ??= new AudioContext();
    take(this);
    this.started = true;
    this.fault = "";
    try {
      await speaker.resume();
      this.buffers ??= await Promise.all(this.urls.map(async (url) => speaker!.decodeAudioData(await (await fetch(url)).arrayBuffer())));
    } catch (error) {
      this.fault = error instanceof Error ? error.message : String(error);
      return this.stop();
    }
    if (!this.started) return;
    if (this.place >= this.seconds - 0.02) this.place = 0;
    this.play();
    this.tick();
  }

  stop(): void {
    this.quiet();
    this.started = false;
    if (playing === this) playing = null;
  }

  toggle(): void {
    if (this.started) this.stop();
    else void this.start();
  }

  choose(index: number): void {
    this.chosen = index;
    this.turn();
  }

  balance(even: boolean): void {
    this.even = even;
    this.turn();
  }

  go(place: number): void {
    this.place = Math.min(Math.max(place, 0), this.seconds);
    if (!this.sources.length) return;
    this.quiet();
    this.play();
  }

  private volume(index: number): number {
    if (index !== this.chosen) return 0;
    const [own, first] = [this.levels[index] ?? 0, this.levels[0] ?? 0];
    return this.even && own > 0 ? Math.min(10, first / own) : 1;
  }

  /** Ten milliseconds from one to the other: no click, no gap. */
  private turn(): void {
    this.gains.forEach((gain, i) => gain.gain.setTargetAtTime(this.volume(i), speaker!.currentTime, 0.008));
  }

  private play(): void {
    const context = speaker!;
    this.begun = context.currentTime - this.place;
    this.gains = this.buffers!.map((_, i) => new GainNode(context, { gain: this.volume(i) }));
    this.sources = this.buffers!.map((buffer, i) => {
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(this.gains[i]!).connect(context.destination);
      source.start(context.currentTime, Math.min(this.place, Math.max(buffer.duration - 0.01, 0)));
      return source;
    });
  }

  private quiet(): void {
    for (const source of this.sources) source.stop();
    for (const gain of this.gains) gain.disconnect();
    this.sources = [];
    this.gains = [];
  }

  private tick(): void {
    if (!this.started || !this.sources.length) return;
    this.place = Math.min(this.seconds, speaker!.currentTime - this.begun);
    if (this.place >= this.seconds) this.stop();
    else requestAnimationFrame(() => this.tick());
  }
}
