// Every run there is, kept true by the stream of events.

import { get, send } from "../api/client";
import { listen } from "../api/events";
import type { Recipe, Run } from "../api/types";

class Runs {
  byId = $state<Record<string, Run>>({});
  models = $state.raw<Run[]>([]);
  all = $derived(Object.values(this.byId).sort((a, b) => b.created - a.created));

  async load(): Promise<string> {
    const answer = await get<{ runs: Run[]; seq: string }>("/runs");
    this.byId = Object.fromEntries(answer.runs.map((run) => [run.id, run]));
    return answer.seq;
  }

  async loadModels(): Promise<void> {
    this.models = (await get<{ models: Run[] }>("/models")).models;
  }

  find(id: string | null | undefined): Run | undefined {
    return id ? (this.byId[id] ?? this.models.find((each) => each.id === id)) : undefined;
  }

  keep(run: Run): Run {
    this.byId[run.id] = run;
    return run;
  }

  async start(recipe: Recipe, title?: string): Promise<Run> {
    return this.keep(await send<Run>("POST", "/runs", title ? { recipe, title } : { recipe }));
  }

  async sweep(recipe: Recipe, key: string, values: number[]): Promise<Run[]> {
    const made = await send<{ runs: Run[] }>("POST", "/sweeps", { recipe, key, values });
    return made.runs.map((run) => this.keep(run));
  }

  async act(id: string, what: "pause" | "resume" | "stop" | "step"): Promise<void> {
    this.keep(await send<Run>("POST", `/runs/${id}/${what}`));
  }

  async change(id: string, fields: Partial<Pick<Run, "title" | "star" | "tags">>): Promise<void> {
    this.keep(await send<Run>("PATCH", `/runs/${id}`, fields));
  }

  async remove(id: string): Promise<string> {
    const { bin } = await send<{ bin: string }>("DELETE", `/runs/${id}`);
    delete this.byId[id];
    return bin;
  }

  async restore(bin: string): Promise<void> {
    this.keep(await send<Run>("POST", `/bin/${bin}/restore`));
  }
}

export const runs = new Runs();

listen((event) => {
  const run = runs.byId[event.run];
  if (event.kind === "state" && event.record) runs.byId[event.run] = event.record;
  else if (event.kind === "gone") delete runs.byId[event.run];
  else if (!run) return;
  else if (event.kind === "progress") {
    run.epoch = event.epoch ?? run.epoch;
    run.step = event.step ?? run.step;
    run.steps = event.steps ?? run.steps;
    run.loss = event.loss ?? run.loss;
    run.seconds = event.t ?? run.seconds;
  } else if (event.kind === "evaluated" && event.metrics) run.metrics = { ...run.metrics, ...event.metrics };
});
