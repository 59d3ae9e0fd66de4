// What the server says about a network: the plan's layers, as they are in isthmus.plan.layers.

export type Shape = number[];

export interface LayerSpec {
  kind: string;
  spec_index?: number;
  outputs?: number;
  source?: number;
  kernel?: number;
  stride?: number;
  dilation?: number;
  bias?: boolean;
  to?: Shape;
  shape?: Shape;
  how?: string;
  factor?: number;
  name?: string;
  norm?: string;
  activation?: string;
  dropout?: number;
  side?: number;
  hidden?: number;
  depth?: number;
  bidirectional?: boolean;
  steps?: number;
}

export interface NetworkSpec {
  layers: LayerSpec[];
  shapes: Shape[];
  line: boolean;
}

export interface Graph {
  run: string;
  epoch: number;
  step: number;
  item: Shape;
  view: Shape;
  latent: Shape;
  code: Shape;
  modality: string;
  classes: string[];
  range: [number, number] | null;
  encoder: NetworkSpec;
  bottleneck: { kind: string; [field: string]: unknown };
  decoder: NetworkSpec;
  loss: { kind: string; [field: string]: unknown };
}

export const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
