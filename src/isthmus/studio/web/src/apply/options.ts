// The values of a task's options: what they begin with, which of them count, what is sent.

import type { Json } from "../api/types";
import type { FileInfo, OptionInfo, TaskInfo } from "./types";

export type Values = Record<string, Json>;

/** Options that belong to one file each: what is set by clicking or painting on it. */
export const isOwn = (option: OptionInfo): boolean => option.control === "points" || option.control === "mask";

/** What a task begins with: of a group its first option, of the others their defaults. */
export function start(task: TaskInfo): Values {
  const values: Values = {};
  const seen = new Set<string>();
  for (const option of task.options) {
    if (isOwn(option)) continue;
    if (option.group && seen.has(option.group)) continue;
    if (option.group) seen.add(option.group);
    values[option.name] = option.group && option.control === "flag" ? true : option.default;
  }
  return values;
}

/** Another option of a group in place of the one that was chosen. */
export function choose(task: TaskInfo, values: Values, option: OptionInfo): Values {
  const kept = Object.entries(values).filter(([name]) => task.options.find((each) => each.name === name)?.group !== option.group);
  return { ...Object.fromEntries(kept), [option.name]: option.control === "flag" ? true : option.default };
}

/** The option of a group that is chosen now. */
export const chosen = (task: TaskInfo, values: Values, group: string): OptionInfo | undefined =>
  task.options.find((option) => option.group === group && values[option.name] !== undefined && values[option.name] !== null && values[option.name] !== false);

/** Whether an option matters for any of the files. */
export const matters = (option: OptionInfo, files: FileInfo[]): boolean =>
  !option.needs.length || !files.length || files.some((file) => option.needs.includes(file.suffix));

/** What is sent: nothing that is unset. */
export const sent = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false));

/** Whether the files are to be given to the task all at once. */
export const together = (task: TaskInfo, values: Values): boolean =>
  task.options.some((option) => option.together && Boolean(values[option.name]));

const sorted = (values: Values): string => JSON.stringify(Object.entries(sent(values)).sort(([a], [b]) => (a < b ? -1 : 1)));
export const same = (a: Values, b: Values): boolean => sorted(a) === sorted(b);
