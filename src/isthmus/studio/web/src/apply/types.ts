// What the server says about tasks, files and jobs: docs/decisions/studio-api.md, "Apply".

import type { Json } from "../api/types";

export type Control =
  | "range" | "number" | "flag" | "choice" | "text" | "points" | "mask" | "file" | "column" | "also";

export interface OptionInfo {
  name: string;
  title: string;
  control: Control;
  help: string;
  default: Json;
  least: number | null;
  most: number | null;
  step: number | null;
  whole: boolean;
  unit: string;
  choices: string[];
  group: string;
  takes: string;
  needs: string[];
  together: boolean;
}

export interface TaskInfo {
  name: string;
  verb: string;
  title: string;
  help: string;
  note: string;
  takes: string[];
  gives: "picture" | "sound" | "table" | "isth";
  icon: string;
  groups: { name: string; title: string }[];
  options: OptionInfo[];
}

export interface FileInfo {
  id: string;
  label: string;
  kind: string;
  size: number;
  suffix: string;
  shows: boolean;
  role: string;
  facts: { width?: number; height?: number; seconds?: number; rate?: number; channels?: number; columns?: string[]; rows?: number };
  error: string;
  view: string;
  looked: boolean;
}

export interface Outcome {
  source: string;
  result: string;
  error: string;
  text: string;
  figures: Record<string, Json>;
  notes: string[];
  extra: string[];
  views: Record<string, string>;
}

export type JobState = "waiting" | "working" | "done" | "failed" | "cancelled" | "gone";

export interface JobInfo {
  id: string;
  task: string;
  values: Record<string, Json>;
  sources: string[];
  state: JobState;
  share: number;
  left: number | null;
  message: string;
  seconds: number;
  cancelling: boolean;
  outcomes: Outcome[];
}

export interface Everything {
  tasks: TaskInfo[];
  files: FileInfo[];
  jobs: JobInfo[];
  limits: Record<string, number>;
}

export interface Hint {
  x: number;
  y: number;
  colour: string;
}
