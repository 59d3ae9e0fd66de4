// What the transport's buttons and keys do.

import { ApiError } from "../api/client";
import { t } from "../i18n/index.svelte";
import { next } from "../hourglass/geometry";
import { app } from "./app.svelte";
import { bench } from "./bench.svelte";
import { lab } from "./lab.svelte";
import { router } from "./router.svelte";
import { runs } from "./runs.svelte";

async function tried(what: () => Promise<unknown>): Promise<void> {
  try {
    await what();
  } catch (error) {
    app.notice = error instanceof ApiError ? [error.message, error.hint].filter(Boolean).join(" · ") : String(error);
  }
}

export const train = {
  /** Starts what the recipe says; pauses and goes on with what is running. */
  async toggle(): Promise<void> {
    const run = bench.run;
    const same = run && run.hash === lab.check?.hash;
    if (run?.can.includes("pause")) return tried(() => runs.act(run.id, "pause"));
    if (same && run.can.includes("resume")) return tried(() => runs.act(run.id, "resume"));
    return train.start();
  },
  async start(): Promise<void> {
    if (!lab.check?.ok || !lab.check.here) return;
    await tried(async () => {
      await bench.start();
      app.say(t("train.started"));
    });
  },
  act: (what: "pause" | "resume" | "stop") => tried(async () => bench.run && runs.act(bench.run.id, what)),
  async step(): Promise<void> {
    const run = bench.run;
    if (run?.can.includes("step")) return tried(() => runs.act(run.id, "step"));
  },
  waist(by: 1 | -1): void {
    if (router.screen !== "lab") return;
    train.width(next(Number(lab.value("bottleneck.size") ?? 1), by));
  },
  width(size: number): void {
    if (size !== lab.value("bottleneck.size")) lab.edit("bottleneck.size", Math.max(1, Math.round(size)));
  },
};
