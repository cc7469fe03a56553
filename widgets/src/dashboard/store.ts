// What the browser knows of a run. One store for each model, shared by all its views; it outlives them.

import { unpack, type Numbers } from "./pack";
import { Average, Column, reach } from "./math";

export interface SeriesHead {
  name: string;
  kind: "step" | "log" | "epoch" | "setting";
  at: number;
  stretch: number;
  count: number;
  best: [number, number] | null;
  x: number;
  y: number;
}

export interface FlowHead {
  at: number;
  steps: number;
  rms: number;
  stride: number;
  names?: string[];
  shapes?: number[][];
  close?: number;
  bins?: number;
  ratio?: number;
  zeros?: number;
  counts?: number;
}

export interface FieldHead {
  frames: number;
  steps: number;
  size: [number, number];
  classes: number;
  at: number;
  extent?: [number, number, number, number];
  points?: number;
  labels?: number;
  names?: [string, string];
}

/** What a message carries. From `title` to `epochal`: only where it is news. */
export interface Header {
  v: number;
  complete: boolean;
  stage: Stage;
  step: number;
  epoch: number | null;
  batch: [number, number] | null;
  ms: number;
  series: SeriesHead[];
  title: string;
  epochs: number | null;
  marks: [number, number][];
  thinned: string;
  notes: string[];
  verdicts: Record<string, string>;
  why: { words: string; where: string; cure: string }[];
  settings: [path: string, label: string, value: number, optimizer: string, group: string][];
  rewind: number[];
  epochal: boolean;
  touches?: [step: number, kind: string, said: string][];
  code?: string;
  ghosts?: { name: string; x: number; y: number }[];
  others?: { name: string; series: { name: string; kind: string; x: number; y: number }[] }[];
  flow?: FlowHead;
  field?: FieldHead;
  images?: { name: string; frames: [step: number, height: number, width: number, channels: number, at: number][] }[];
}

export interface Frame {
  step: number;
  height: number;
  width: number;
  channels: number;
  bytes: Uint8Array;
}

export type Stage = "running" | "paused" | "idle" | "stopped" | "interrupted" | "failed";

export class Curve {
  x = new Column();
  y = new Column();
  kind: SeriesHead["kind"] = "step";
  best: [number, number] | null = null;
  /** The lowest and the highest finite value. */
  low = Infinity;
  high = -Infinity;
  private average: Average | null = null;

  constructor(readonly name: string) {}

  /** Write points from position `at` on; what stood there was provisional. */
  write(at: number, x: ArrayLike<number>, y: ArrayLike<number>): void {
    this.x.write(at, x);
    this.y.write(at, y);
    if (at === 0) [this.low, this.high] = [Infinity, -Infinity];
    for (let k = 0; k < y.length; k++) {
      const value = y[k]!;
      if (!Number.isFinite(value)) continue;
      if (value < this.low) this.low = value;
      if (value > this.high) this.high = value;
    }
    if (this.average && at < this.average.settled) this.average = null;
  }

  /** The smoothed values; only what was added is computed. `log`: smoothed for a logarithmic axis. */
  smooth(wanted: number, log: boolean): Float64Array {
    const amount = reach(wanted, this.y.length);
    if (!this.average || this.average.amount !== amount || this.average.log !== log) this.average = new Average(amount, log);
    return this.average.over(this.y);
  }
}

export interface Close {
  step: number;
  ratio: Float32Array;
  zeros: Float32Array;
  counts: Uint16Array;
}

export interface Flow {
  names: string[];
  shapes: number[][];
  steps: Column;
  columns: Float32Array[];
  close: Close[];
  bins: number;
  stride: number;
}

export interface Field {
  size: [number, number];
  classes: number;
  extent: [number, number, number, number];
  points: Float32Array;
  labels: Float32Array;
  names: [string, string];
  steps: number[];
  frames: Uint8Array[];
}

type Plain = Omit<Header, "series" | "flow" | "field" | "ghosts" | "images" | "others" | "touches" | "code" | "complete" | "v">;

const NOTHING: Plain = {
  title: "Training", stage: "idle", step: 0, epoch: null, epochs: null, batch: null, ms: 0, marks: [], thinned: "",
  notes: [], verdicts: {}, why: [], settings: [], rewind: [], epochal: false,
};

export class Store {
  head: Plain = NOTHING;
  curves = new Map<string, Curve>();
  flow: Flow = { names: [], shapes: [], steps: new Column(), columns: [], close: [], bins: 64, stride: 1 };
  field: Field | null = null;
  images: { name: string; frames: Frame[] }[] = [];
  touches: [number, string, string][] = [];
  code = "";
  ghosts: { name: string; x: Numbers; y: Numbers }[] = [];
  others: { name: string; curves: { name: string; kind: string; x: Numbers; y: Numbers }[] }[] = [];
  version = 0; // grows with every message
  /** What a reader has chosen; kept when a view is drawn anew. */
  ui = {
    smooth: 0.6,
    log: null as boolean | null,
    byEpoch: false,
    rate: null as boolean | null,
    compare: true,
    zoom: null as [number, number] | null,
    scrub: null as number | null,
    row: null as string | null,
    focus: null as string | null,
    allRows: false,
    why: false,
  };
  /** null: not known yet; false: clicks arrive only after the cell. */
  live: boolean | null = null;
  trouble = "";
  /** A page on disk: there is no loop to drive. */
  saved = false;

  /** Take in a piece from the kernel; false if something before it is missing. */
  apply(data: DataView | ArrayBuffer | null | undefined): boolean {
    const piece = unpack<Header>(data);
    if (!piece) return true;
    const { header, arrays } = piece;
    const { series, flow, field, images, ghosts, others, touches, code, complete, v: _v, ...plain } = header;
    this.head = { ...this.head, ...plain }; // what has not changed was not sent again
    if (complete) {
      const present = new Set(series.map((head) => head.name));
      for (const name of this.curves.keys()) if (!present.has(name)) this.curves.delete(name);
    }
    let whole = true;
    for (const head of series) {
      let curve = this.curves.get(head.name);
      if (!curve) this.curves.set(head.name, (curve = new Curve(head.name)));
      if (head.at > curve.x.length) {
        whole = false;
        continue;
      }
      curve.kind = head.kind;
      curve.best = head.best;
      curve.write(head.at, arrays[head.x]!, arrays[head.y]!);
    }
    if (flow) whole = this.applyFlow(flow, arrays) && whole;
    if (field) whole = this.applyField(field, arrays) && whole;
    if (images) {
      this.images = images.map(({ name, frames }) => ({
        name,
        frames: frames.map(([step, height, width, channels, at]) => ({ step, height, width, channels, bytes: arrays[at] as Uint8Array })),
      }));
    }
    if (touches) this.touches = touches;
    if (code !== undefined) this.code = code;
    if (ghosts) this.ghosts = ghosts.map((ghost) => ({ name: ghost.name, x: arrays[ghost.x]!, y: arrays[ghost.y]! }));
    if (others) {
      this.others = others.map((other) => ({
        name: other.name,
        curves: other.series.map((curve) => ({ name: curve.name, kind: curve.kind, x: arrays[curve.x]!, y: arrays[curve.y]! })),
      }));
    }
    this.version++;
    return whole;
  }

  private applyFlow(head: FlowHead, arrays: Numbers[]): boolean {
    const flow = this.flow;
    if (head.at > flow.columns.length) return false;
    if (head.names) {
      flow.names = head.names;
      flow.shapes = head.shapes ?? [];
    }
    flow.stride = head.stride;
    const steps = arrays[head.steps]!;
    const rows = flow.names.length;
    const rms = arrays[head.rms] as Float32Array;
    flow.steps.write(head.at, steps);
    flow.columns.length = head.at;
    for (let k = 0; k < steps.length; k++) flow.columns.push(rms.subarray(k * rows, (k + 1) * rows));
    if (head.at === 0) flow.close = [];
    if (head.close !== undefined) {
      flow.bins = head.bins ?? 64;
      const wide = 2 * flow.bins + 1;
      const at = arrays[head.close]!;
      const [ratio, zeros, counts] = [head.ratio, head.zeros, head.counts].map((k) => arrays[k!]!) as [Float32Array, Float32Array, Uint16Array];
      for (let k = 0; k < at.length; k++) {
        flow.close = flow.close.filter((look) => look.step !== at[k]);
        flow.close.push({
          step: at[k]!,
          ratio: ratio.subarray(k * rows, (k + 1) * rows),
          zeros: zeros.subarray(k * rows, (k + 1) * rows),
          counts: counts.subarray(k * rows * wide, (k + 1) * rows * wide),
        });
      }
    }
    return true;
  }

  private applyField(head: FieldHead, arrays: Numbers[]): boolean {
    let field = this.field;
    if (!field || head.at === 0) {
      if (!head.extent) return false;
      field = this.field = {
        size: head.size, classes: head.classes, extent: head.extent, names: head.names ?? ["", ""],
        points: arrays[head.points!] as Float32Array, labels: arrays[head.labels!] as Float32Array, steps: [], frames: [],
      };
    }
    if (head.at > field.frames.length) return false;
    const steps = arrays[head.steps]!;
    const frames = arrays[head.frames] as Uint8Array;
    const size = head.size[0] * head.size[1];
    field.steps.length = field.frames.length = head.at;
    for (let k = 0; k < steps.length; k++) {
      field.steps.push(steps[k]!);
      field.frames.push(frames.subarray(k * size, (k + 1) * size));
    }
    return true;
  }

  /** The value of a curve at a step: of the newest point that is not after it. */
  valueAt(curve: Curve, step: number): number | null {
    let low = 0;
    let high = curve.x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (curve.x.data[middle]! <= step) low = middle + 1;
      else high = middle;
    }
    return low ? curve.y.data[low - 1]! : null;
  }

  /** The curves that are drawn now, losses first. */
  shown(): Curve[] {
    const all = [...this.curves.values()];
    const epochs = all.filter((curve) => curve.kind === "epoch");
    const steps = all.filter((curve) => (this.ui.byEpoch && epochs.length ? curve.kind !== "step" : curve.kind !== "epoch") && curve.kind !== "setting");
    return steps.filter((curve) => curve.x.length);
  }

  /** Whether the loss is where it began after many steps: then a reader may want to ask why. */
  stands(): boolean {
    const y = this.shown()[0]?.y.view;
    if (!y || y.length < 60) return false;
    const mean = (part: Float64Array) => part.reduce((sum, value) => sum + value, 0) / part.length;
    const first = mean(y.subarray(0, 12));
    return !(mean(y.subarray(-12)) < first - 0.01 * Math.abs(first));
  }

  rates(): Curve[] {
    return [...this.curves.values()].filter((curve) => curve.kind === "setting" && curve.x.length);
  }
}
