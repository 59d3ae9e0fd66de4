// What the server says, as docs/decisions/studio-api.md writes it down.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Tree = { [key: string]: Json };

/** A whole recipe; sections are trees whose fields the schema knows. */
export interface Recipe extends Tree {
  name: string;
  description: string;
  data: Tree;
  task: Tree;
  encoder: Tree;
  bottleneck: Tree;
  decoder: Tree;
  training: Tree;
}

export interface Schema {
  $defs?: Record<string, Schema>;
  $ref?: string;
  type?: string;
  title?: string;
  description?: string;
  default?: Json;
  const?: Json;
  enum?: Json[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  discriminator?: { propertyName: string; mapping: Record<string, string> };
}

export interface LayerRow {
  network: "encoder" | "bottleneck" | "decoder";
  layer: string;
  index: number;
  input: number[];
  output: number[];
  parameters: number;
  macs: number;
  kernel?: number;
  stride?: number;
  name?: string;
  how?: string;
}

export interface Fault {
  network?: string;
  layer?: number;
  key?: string;
  line?: number;
  message: string;
}

export interface Spellings {
  toml: string;
  python: string;
  cli: string;
  link: string;
}

export interface Check {
  ok: boolean;
  recipe: Recipe;
  hash: string;
  item: number[];
  code: number[];
  numbers: number;
  ratio: number;
  bits: number | null;
  parameters: number;
  macs: number;
  skips: boolean;
  layers: LayerRow[];
  lite: boolean;
  here: boolean;
  warnings: string[];
  faults: Fault[];
  spellings: Spellings | null;
}

export type Modality = "image" | "sequence" | "vector" | "spectrum";

export interface DataInfo {
  name: string;
  title: string;
  here: boolean;
  shape: number[];
  modality: Modality;
  train: number;
  test: number;
  classes: string[];
  licence: string;
  origin: string;
  get: string;
}

export type RunState =
  | "queued"
  | "starting"
  | "running"
  | "pausing"
  | "paused"
  | "stopping"
  | "done"
  | "stopped"
  | "failed"
  | "interrupted"
  | "damaged";

export interface Run {
  id: string;
  name: string;
  title: string;
  folder: string;
  state: RunState;
  reason: string;
  can: string[];
  here: boolean;
  place: number;
  data: string;
  modality: Modality;
  shape: number[];
  classes: string[];
  task: string;
  encoder: string;
  bottleneck: string;
  code: number[];
  numbers: number;
  bits: number | null;
  ratio: number;
  parameters: number;
  macs: number;
  lite: boolean;
  hash: string;
  epoch: number;
  epochs: number;
  step: number;
  steps: number;
  loss: number | null;
  seconds: number;
  metrics: Record<string, number | null>;
  created: number;
  updated: number;
  bytes: number;
  star: boolean;
  tags: string[];
  sweep: string;
  error: string;
  shipped?: boolean;
}

export interface RunDetail extends Run {
  recipe: Recipe;
  spellings: Spellings | null;
  metrics_full: Tree | null;
  files: string[];
  engine: Tree;
  warnings: string[];
}

export interface Meta {
  version: string;
  boot: string;
  runs_folder: string;
  cores: number;
  at_once: number;
  schema: Schema;
  defaults: Recipe;
  presets: { id: string; recipe: Recipe }[];
  data: DataInfo[];
  models: { id: string; numbers: number; mse: number; psnr: number; pca_mse: number; parameters: number }[];
  disk: { free: number; used: number; low: boolean };
  limits: { body: number; points: number };
}

export interface Wire {
  seq: string;
  run: string;
  n?: number;
  kind: string;
  t?: number;
  epoch?: number;
  step?: number;
  steps?: number;
  loss?: number | null;
  learning_rate?: number;
  samples_per_second?: number;
  seconds_left?: number;
  metrics?: Record<string, number | null>;
  diagnostics?: Record<string, number | null>;
  file?: string;
  text?: string;
  reason?: string;
  record?: Run;
  job?: string;
  state?: string;
  share?: number;
  message?: string;
  resumed_at?: number;
  code?: string | number[];
  warnings?: string[];
}

export interface CodesMeta {
  run: string;
  step: number;
  how: string;
  decodable: boolean;
  axes: string[];
  total: number;
  shown: number;
  classes: string[];
  code: number[];
  figures: Record<string, number | null> | null;
  pca_figures: Record<string, number | null> | null;
  held_out: number;
}
