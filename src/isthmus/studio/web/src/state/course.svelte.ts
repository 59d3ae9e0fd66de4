// The course of a training: its curves and the pictures of every moment.

import { get, pack } from "../api/client";
import { listen } from "../api/events";
import type { Wire } from "../api/types";

export interface Moment {
  n: number;
  epoch: number;
  step: number;
}

export class Course {
  id = $state("");
  steps = $state.raw<number[]>([]);
  loss = $state.raw<number[]>([]);
  checkSteps = $state.raw<number[]>([]);
  checkLoss = $state.raw<number[]>([]);
  checkPsnr = $state.raw<(number | null)[]>([]);
  moments = $state.raw<Moment[]>([]);
  notes = $state.raw<string[]>([]);
  left = $state(0);
  speed = $state(0);
  rate = $state(0);
  diagnostics = $state.raw<Record<string, number | null>>({});
  private known = 0;
  private pictures = new Map<string, Promise<Float32Array>>();

  /** Follows a run from its beginning; what was said before is read from its history. */
  async follow(id: string): Promise<void> {
    if (this.id === id) return;
    this.clear();
    this.id = id;
    await this.catchUp();
  }

  async catchUp(): Promise<void> {
    const id = this.id;
    if (!id) return;
    const answer = await get<{ events: Wire[] }>(`/runs/${id}/events?after=${this.known}&most=2000`);
    if (this.id === id) this.take(answer.events);
  }

  clear(): void {
    this.id = "";
    this.known = 0;
    this.steps = [];
    this.loss = [];
    this.checkSteps = [];
    this.checkLoss = [];
    this.checkPsnr = [];
    this.moments = [];
    this.notes = [];
    this.left = this.speed = this.rate = 0;
    this.diagnostics = {};
    this.pictures.clear();
  }

  take(events: Wire[]): void {
    const fresh = events.filter((event) => (event.n ?? 0) > this.known);
    if (!fresh.length) return;
    this.known = fresh.at(-1)!.n!;
    for (const event of fresh) if (event.kind === "started") this.back(event.resumed_at ?? 0);
    const progress = fresh.filter((event) => event.kind === "progress" && event.loss != null);
    if (progress.length) {
      this.steps = [...this.steps, ...progress.map((event) => event.step!)];
      this.loss = [...this.loss, ...progress.map((event) => event.loss!)];
      const newest = progress.at(-1)!;
      this.left = newest.seconds_left ?? 0;
      this.speed = newest.samples_per_second ?? 0;
      this.rate = newest.learning_rate ?? 0;
    }
    const checks = fresh.filter((event) => event.kind === "evaluated" && event.metrics?.["loss"] != null);
    if (checks.length) {
      this.checkSteps = [...this.checkSteps, ...checks.map((event) => event.step!)];
      this.checkLoss = [...this.checkLoss, ...checks.map((event) => event.metrics!["loss"]!)];
      this.checkPsnr = [...this.checkPsnr, ...checks.map((event) => event.metrics!["psnr"] ?? null)];
      this.diagnostics = checks.at(-1)!.diagnostics ?? {};
    }
    const shots = fresh.filter((event) => event.kind === "snapshot");
    if (shots.length) {
      const made = shots.map((event) => ({
        n: Number(/(\d+)\.\w+$/.exec(event.file ?? "")?.[1] ?? 0),
        epoch: event.epoch!,
        step: event.step!,
      }));
      this.moments = [...this.moments.filter((each) => !made.some((m) => m.n === each.n)), ...made];
    }
    const notes = fresh.filter((event) => event.kind === "noted" && event.text);
    if (notes.length) this.notes = [...this.notes, ...notes.map((event) => event.text!)];
  }

  /** A training that goes on from a checkpoint takes back what it had done since. */
  private back(step: number): void {
    if (!step) return;
    const keep = this.steps.filter((each) => each <= step).length;
    this.steps = this.steps.slice(0, keep);
    this.loss = this.loss.slice(0, keep);
    const checks = this.checkSteps.filter((each) => each <= step).length;
    this.checkSteps = this.checkSteps.slice(0, checks);
    this.checkLoss = this.checkLoss.slice(0, checks);
    this.checkPsnr = this.checkPsnr.slice(0, checks);
  }

  momentAt(step: number): Moment | undefined {
    return this.moments.reduce<Moment | undefined>(
      (best, each) => (!best || Math.abs(each.step - step) < Math.abs(best.step - step) ? each : best),
      undefined,
    );
  }

  /** The sixteen fixed items as they went in, or as moment ``n`` rebuilt them. */
  picturesOf(n: number | "items"): Promise<Float32Array> {
    const key = `${this.id}/${n}`;
    let found = this.pictures.get(key);
    if (!found) {
      found = pack(`/runs/${this.id}/snapshots/${n}`).then((got) => {
        const raw = got.array(n === "items" ? (got.has("target") ? "target" : "input") : "output");
        return raw instanceof Uint8Array ? Float32Array.from(raw, (v) => v / 255) : Float32Array.from(raw);
      });
      found.catch(() => this.pictures.delete(key));
      this.pictures.set(key, found);
    }
    return found;
  }
}

export const course = new Course();

// Events come faster than anybody can look: they are taken together, once a frame.
let queue: Wire[] = [];
listen((event) => {
  if (event.kind === "reset") void course.catchUp();
  if (event.run !== course.id || event.n === undefined) return;
  if (!queue.length) requestAnimationFrame(() => (course.take(queue), (queue = [])));
  queue.push(event);
});
