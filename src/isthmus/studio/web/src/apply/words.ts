// A task's words in the language chosen: the server says them in English, translations go by name.

import { bytes, clock, maybe, number, t } from "../i18n/index.svelte";
import type { FileInfo, JobInfo, OptionInfo, TaskInfo } from "./types";

export const titleOf = (task: TaskInfo): string => maybe(`task.${task.name}`, task.title);
export const helpOf = (task: TaskInfo): string => maybe(`task.${task.name}.help`, task.help);
export const noteOf = (task: TaskInfo): string => maybe(`task.${task.name}.note`, task.note);
export const groupOf = (task: TaskInfo, group: { name: string; title: string }): string => maybe(`task.${task.name}.group.${group.name}`, group.title);
export const optionOf = (task: TaskInfo, option: OptionInfo): string => maybe(`task.${task.name}.${option.name}`, option.title);
export const optionHelp = (task: TaskInfo, option: OptionInfo): string => maybe(`task.${task.name}.${option.name}.help`, option.help);

/** What is known of a file, in a few words. */
export function factsOf(file: FileInfo): string {
  const { width, height, seconds, rate, rows, columns } = file.facts;
  const told = [bytes(file.size)];
  if (width && height) told.push(`${number(width)} × ${number(height)}`);
  if (seconds !== undefined) told.push(clock(seconds), `${number((rate ?? 0) / 1000)} kHz`);
  if (rows !== undefined) told.push(t("apply.rows", { n: rows }), t("apply.columns", { n: columns?.length ?? 0 }));
  return told.join(" · ");
}

/** How far a job is, in words. */
export function stateOf(job: JobInfo): string {
  if (job.cancelling) return t("apply.state.cancelling");
  if (job.state === "waiting") return t("apply.state.waiting");
  if (job.state === "working") {
    const share = t("apply.state.working", { percent: number(Math.round(100 * job.share)) });
    return job.left === null ? share : `${share} · ${t("apply.left", { clock: clock(job.left) })}`;
  }
  if (job.state === "cancelled") return t("apply.state.cancelled");
  return "";
}
