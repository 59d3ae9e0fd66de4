// Every run there is, kept true by the stream of events.

import { get, send } from "../api/client";
import { listen } from "../api/events";
import type { Recipe, Run } from "../api/types";

class Runs {
  byId = $state<Record<string, Run>>({});
  models = $state.raw<Run[]>([]);
  all = $derived(Object.values(this.byId).sort((a, b) => b.created - a.created));
  /** How many records came by events, and the number of each run's last one. */
  private news = 0;
  private newsOf = new Map<string, number>();

  async load(): Promise<string> {
    for (;;) {
      const before = this.news;
      const answer = await get<{ runs: Run[]; seq: string }>("/runs");
      if (before !== this.news) continue;
      this.byId = Object.fromEntries(answer.runs.map((run) => [run.id, run]));
      return answer.seq;
    }
  }

  async loadModels(): Promise<void> {
    this.models = (await get<{ models: Run[] }>("/models")).models;
  }

  find(id: string | null | undefined): Run | undefined {
    return id ? (this.byId[id] ?? this.models.find((each) => each.id === id)) : undefined;
  }

  /** A run as an event tells of it, or that it is gone. */
  hear(id: string, run: Run | null): void {
    this.newsOf.set(id, ++this.news);
    if (run) this.byId[id] = run;
    else delete this.byId[id];
  }

  /**
   * Runs as a request answers. An event that was heard while the request was under way is newer than the
   * answer, or is followed by one that is: the server tells every change.
   */
  private async answered(request: Promise<Run[]>): Promise<Run[]> {
    const before = this.news;
    const runs = await request;
    for (const run of runs) if ((this.newsOf.get(run.id) ?? 0) <= before) this.byId[run.id] = run;
    return runs;
  }

  private async one(request: Promise<Run>): Promise<Run> {
    const [run] = await this.answered(request.then((it) => [it]));
    return run!;
  }

  async start(recipe: Recipe, title?: string): Promise<Run> {
    return this.one(send<Run>("POST", "/runs", title ? { recipe, title } : { recipe }));
  }

  async sweep(recipe: Recipe, key: string, values: number[]): Promise<Run[]> {
    return this.answered(send<{ runs: Run[] }>("POST", "/sweeps", { recipe, key, values }).then((it) => it.runs));
  }

  async act(id: string, what: "pause" | "resume" | "stop" | "step"): Promise<void> {
    await this.one(send<Run>("POST", `/runs/${id}/${what}`));
  }

  async change(id: string, fields: Partial<Pick<Run, "title" | "star" | "tags">>): Promise<void> {
    await this.one(send<Run>("PATCH", `/runs/${id}`, fields));
  }

  async remove(id: string): Promise<string> {
    const { bin } = await send<{ bin: string }>("DELETE", `/runs/${id}`);
    delete this.byId[id];
    return bin;
  }

  async restore(bin: string): Promise<void> {
    await this.one(send<Run>("POST", `/bin/${bin}/restore`));
  }
}

export const runs = new Runs();

listen((event) => {
  const run = runs.byId[event.run];
  if (event.kind === "state" && event.record) runs.hear(event.run, event.record);
  else if (event.kind === "gone") runs.hear(event.run, null);
  else if (!run) return;
  else if (event.kind === "progress") {
    run.epoch = event.epoch ?? run.epoch;
    run.step = event.step ?? run.step;
    run.steps = event.steps ?? run.steps;
    run.loss = event.loss ?? run.loss;
    run.seconds = event.t ?? run.seconds;
  } else if (event.kind === "evaluated" && event.metrics) run.metrics = { ...run.metrics, ...event.metrics };
});
