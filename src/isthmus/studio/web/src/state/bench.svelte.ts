// What lies on the bench: an item, the model it goes through, and what comes out. Everything here
// happens in the browser, within a frame.

import { ApiError, bytes, get } from "../api/client";
import { listen } from "../api/events";
import type { Run } from "../api/types";
import { loadModel, type LiteModel } from "../lite/model";
import { updates } from "../lite/updates";
import { normal } from "../maths/chance";
import { mse, psnrOf, ssim } from "../maths/metrics";
import { throughPca, type Pca } from "../maths/pca";
import { app } from "./app.svelte";
import { cut, items, pca, type Items } from "./data.svelte";
import { lab } from "./lab.svelte";
import { runs } from "./runs.svelte";
import { still } from "./settings.svelte";

export interface Shown {
  input: Float32Array;
  code: Float32Array;
  output: Float32Array;
  psnr: number;
  ssim: number | null;
  mse: number;
}

export type Source = { kind: "shipped" | "run"; id: string };

class Bench {
  model = $state.raw<LiteModel | null>(null);
  source = $state.raw<Source | null>(null);
  /** Why there is no model, in words, or "". */
  trouble = $state("");
  item = $state.raw<Float32Array | null>(null);
  place = $state(0);
  examples = $state.raw<Items | null>(null);
  noise = $state(0);
  /** A code changed by hand takes the encoder's place. */
  byHand = $state.raw<Float32Array | null>(null);
  shown = $state.raw<Shown | null>(null);
  basis = $state.raw<Pca | null>(null);
  /** The run that trains for this bench. */
  runId = $state<string | null>(null);
  /** How much each layer changed with the last weights of a training. */
  changes = $state.raw(new Map<string, number>());
  version = $state(0);
  run = $derived<Run | undefined>(runs.find(this.runId));
  private seed = 1;
  private loading = "";
  private wanted = "";

  /** Baseline of the present item by as many principal components as the code has numbers. */
  baseline = $derived.by(() => {
    const { item, basis } = this;
    const numbers = this.model?.numbers ?? lab.plan?.numbers ?? 0;
    if (!item || !basis || basis.mean.length !== item.length || !numbers || numbers > basis.rows) return null;
    const picture = app.dataInfo(String(lab.value("data.name") ?? ""))?.modality === "image";
    return psnrOf(mse(throughPca(basis, item, numbers, picture), item));
  });

  async useData(name: string): Promise<void> {
    if (this.examples?.name === name) return;
    this.examples = null;
    this.basis = null;
    if (!app.dataInfo(name)?.here) {
      this.item = null;
      this.pass();
      return;
    }
    const got = await items(name, "test", 0, 64);
    if (String(lab.value("data.name")) !== name) return;
    this.examples = got;
    // A seven says most: begin with one where there is one.
    this.take(typical(got, "7"));
    void pca(name).then((basis) => (this.basis = basis)).catch(() => undefined);
  }

  take(place: number): void {
    if (!this.examples) return;
    this.place = (place + this.examples.count) % this.examples.count;
    this.put(cut(this.examples, this.place));
  }

  put(item: Float32Array): void {
    this.item = item;
    this.byHand = null;
    this.pass();
  }

  setNoise(sigma: number): void {
    this.noise = sigma;
    this.byHand = null;
    this.pass();
  }

  freshNoise(): void {
    this.seed++;
    this.pass();
  }

  setCode(index: number, value: number): void {
    const code = (this.byHand ?? this.shown?.code)?.slice();
    if (!code) return;
    code[index] = value;
    this.byHand = code;
    this.pass();
  }

  /** The item, with noise if there is any, through the model as it is now. */
  pass(): void {
    const { item, model } = this;
    if (!item || !model || model.graph.item.join() !== this.examples?.shape.join()) {
      this.shown = null;
      return;
    }
    let input = item;
    if (this.noise > 0) {
      const noise = normal(item.length, this.seed);
      input = item.map((v, i) => Math.min(1, Math.max(0, v + this.noise * noise[i]!)));
    }
    const passed = this.byHand ? { code: this.byHand, output: model.decode(this.byHand) } : model.pass(input);
    const error = mse(passed.output, item);
    const picture = model.graph.item.length === 3;
    this.shown = {
      input,
      ...passed,
      mse: error,
      psnr: psnrOf(error),
      ssim: picture ? ssim(passed.output, item, model.graph.item) : null,
    };
    this.version++;
  }

  /** Chooses the model that stands for the recipe: its own run, a finished twin, or a shipped one. */
  choose(): void {
    const check = lab.check?.ok ? lab.check : lab.plan;
    if (!check) return;
    const own = this.run;
    const twin = (run: Run) => run.hash === check.hash && run.lite;
    let source: Source | null = null;
    if (own && twin(own) && !["queued", "damaged"].includes(own.state)) source = { kind: "run", id: own.id };
    else {
      const found = runs.all.find((run) => twin(run) && run.state === "done");
      const shipped = runs.models.find(
        (run) => run.numbers === check.numbers && run.data === check.recipe.data["name"],
      );
      if (found) source = { kind: "run", id: found.id };
      else if (shipped && check.recipe.bottleneck["kind"] === "plain" && check.recipe.task["kind"] === "reconstruct")
        source = { kind: "shipped", id: shipped.id };
    }
    if (source?.id === this.source?.id && source) return;
    this.source = source;
    if (source) void this.fetch();
    else {
      this.model = null;
      this.trouble = "";
      this.pass();
    }
  }

  /** Fetches the weights of the chosen source; asked again meanwhile, it fetches once more. */
  async fetch(): Promise<void> {
    const id = this.source?.id;
    if (!id) return;
    if (this.loading === id) {
      this.wanted = id;
      return;
    }
    this.loading = id;
    try {
      const model = loadModel(await bytes(`/runs/${id}/weights`));
      if (this.source?.id === id) {
        const same = this.model?.graph.run === model.graph.run;
        this.changes = same && this.model && !still() ? updates(this.model, model) : new Map();
        this.model = model;
        this.trouble = "";
        if (!same) this.byHand = null;
        this.pass();
      }
    } catch (error) {
      if (this.source?.id === id) this.fail(error);
    } finally {
      if (this.loading === id) this.loading = "";
      if (this.wanted === id) {
        this.wanted = "";
        void this.fetch();
      }
    }
  }

  private fail(error: unknown): void {
    // Weights that are not there yet come with the next event.
    if (error instanceof ApiError && error.code === "no_weights") return;
    this.model = null;
    this.trouble = error instanceof Error ? error.message : String(error);
    this.pass();
  }

  async start(): Promise<Run> {
    const run = await runs.start(lab.check!.recipe);
    this.runId = run.id;
    this.model = null;
    this.source = { kind: "run", id: run.id };
    this.shown = null;
    return run;
  }

  /** After a reload: the training that is under way is followed again. */
  reattach(): void {
    const active = ["running", "pausing", "paused", "starting", "queued"];
    this.runId ??= runs.all.find((run) => run.here && active.includes(run.state))?.id ?? null;
  }

  /** The recipe and the model of a run, back on the bench. */
  async open(id: string): Promise<void> {
    const detail = await get<{ recipe: typeof lab.recipe }>(`/runs/${id}`);
    if (!runs.find(id)?.shipped) this.runId = id;
    lab.set(detail.recipe);
  }
}

/** The place of the item nearest to the mean of its class, or the first item. */
function typical(items: Items, name: string): number {
  const places = [...Array(items.count).keys()].filter((i) => items.classes[items.labels?.[i] ?? -1] === name);
  if (!places.length) return 0;
  const all = places.map((i) => cut(items, i));
  const mean = all[0]!.map((_, k) => all.reduce((sum, each) => sum + each[k]!, 0) / all.length);
  const errors = all.map((each) => mse(each, mean));
  return places[errors.indexOf(Math.min(...errors))]!;
}

export const bench = new Bench();

listen((event) => {
  if (event.run !== bench.source?.id || document.hidden) return;
  if (event.kind === "weights" || event.kind === "finished") void bench.fetch();
  // The first word of a run: ask for its weights, then each time they change.
  if (event.kind === "started" || (event.kind === "progress" && !bench.model)) void bench.fetch();
});
