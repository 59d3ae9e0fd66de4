// The map of a run's codes, fetched and, while it trains, fetched again.

import { ApiError, pack } from "../api/client";
import { listen } from "../api/events";
import type { CodesMeta } from "../api/types";

export interface Codes extends CodesMeta {
  xs: Float32Array;
  ys: Float32Array;
  labels: Int16Array;
  errors: Float32Array;
  part: Uint8Array;
  places: Int32Array;
  /** Where the plane lies in the code: code = mean + p0 axes[0] + p1 axes[1]. */
  mean: Float32Array | null;
  basis: Float32Array | null;
  /** The codes themselves (shown x numbers), where asked for. */
  codes: Float32Array | null;
}

export class CodesOf {
  now = $state.raw<Codes | null>(null);
  loading = $state(false);
  trouble = $state("");
  private id = "";
  private how = "auto";
  private whole = false;
  private turn = 0;
  private stop: (() => void) | null = null;

  /** Follows a run; ``whole`` asks for the codes too. */
  follow(id: string, how = "auto", whole = false): void {
    if (id === this.id && how === this.how && whole === this.whole) return;
    if (id !== this.id) this.now = null;
    [this.id, this.how, this.whole] = [id, how, whole];
    this.stop?.();
    this.stop = listen((event) => {
      if (event.run !== this.id || document.hidden) return;
      if (event.kind === "codes" || event.kind === "finished") void this.fetch();
      if (event.kind === "evaluated" && !this.now) void this.fetch();
    });
    void this.fetch();
  }

  leave(): void {
    this.stop?.();
    this.stop = null;
    this.id = "";
    this.turn++;
  }

  async fetch(): Promise<void> {
    if (!this.id || (this.loading && this.now)) return;
    const turn = ++this.turn;
    this.loading = true;
    try {
      const got = await pack(`/runs/${this.id}/codes?how=${this.how}&codes=${this.whole ? 1 : 0}`);
      if (turn !== this.turn) return;
      const points = got.floats("points");
      const count = points.length / 2;
      const [xs, ys] = [new Float32Array(count), new Float32Array(count)];
      for (let i = 0; i < count; i++) [xs[i], ys[i]] = [points[2 * i]!, points[2 * i + 1]!];
      const meta = got.said<CodesMeta>();
      this.now = {
        ...meta,
        xs,
        ys,
        labels: got.array("labels") as Int16Array,
        errors: got.floats("errors"),
        part: got.array("part") as Uint8Array,
        places: got.array("places") as Int32Array,
        mean: got.has("mean") ? got.floats("mean") : null,
        basis: got.has("axes") ? got.floats("axes") : null,
        codes: got.has("codes") ? got.floats("codes") : null,
      };
      this.trouble = "";
    } catch (error) {
      if (turn !== this.turn) return;
      this.trouble =
        error instanceof ApiError && ["no_weights", "state"].includes(error.code) ? "" : (error as Error).message;
    } finally {
      if (turn === this.turn) this.loading = false;
    }
  }
}

/** The code that a place of the plane stands for, or null where the plane cannot be decoded. */
export function codeAt(codes: Codes, x: number, y: number): Float32Array | null {
  if (!codes.decodable || !codes.basis || !codes.mean) return null;
  const many = codes.mean.length;
  return codes.mean.map((v, i) => v + x * codes.basis![i]! + y * codes.basis![many + i]!);
}
