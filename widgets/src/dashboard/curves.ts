// Curves: raw lines pale behind the smoothed ones, words at their ends, exact values under the cursor. Drawn by uPlot.

import uPlot from "uplot";
import { number } from "../common/format";
import { html } from "../common/dom";
import { aligned, apart, thinned, wantsLog } from "./math";
import type { Palette } from "./palette";
import type { Curve, Store } from "./store";

const HUES = ["linear", "reduce", "point", "random"];
const DASHES: number[][] = [[], [8, 3], [2, 3], [10, 3, 2, 3]];
const MOST = 8;

interface Line {
  curve: Curve | null;
  label: string;
  token: string;
  dash: number[];
  squares: boolean;
  pale: boolean;
  scale: "y" | "rate";
  smoothing: boolean;
}

export class CurvesView {
  readonly root: HTMLElement;
  private plot: uPlot | null = null;
  private lines: Line[] = [];
  private key = "";
  private readonly read: HTMLElement;
  private readonly box: HTMLElement;
  private log = false;
  /** Called when a reader chose a stretch, or went back to all. */
  onZoom: () => void = () => {};

  constructor(
    private readonly store: Store,
    private readonly palette: Palette,
  ) {
    this.read = html("div", { class: "adl-read m" });
    this.box = html("div", { class: "adl-curves", role: "img" });
    this.root = html("div", { class: "adl-curves-frame" }, this.read, this.box);
  }

  /** Whether the vertical axis is logarithmic now. */
  get isLog(): boolean {
    return this.store.ui.log ?? wantsLog(this.store.shown());
  }

  range(): [number, number] {
    return this.store.ui.zoom ?? [0, Math.max(this.store.head.step, 1)];
  }

  draw(width: number, height: number, left: number, right: number): void {
    const shown = this.store.shown().slice(0, MOST);
    this.box.setAttribute("aria-label", this.spoken(shown));
    const lines = this.plan(shown);
    const log = this.isLog;
    const key = JSON.stringify([lines.map((line) => [line.label, line.token, line.pale, line.scale, line.squares]), log, left, right]);
    if (!this.plot || key !== this.key) {
      this.plot?.destroy();
      this.key = key;
      this.lines = lines;
      this.log = log;
      this.plot = new uPlot(this.options(width, height, left, right), this.data(width), this.box);
    } else {
      this.lines = lines;
      if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
      this.plot.setData(this.data(width), true);
    }
    this.showRead();
  }

  /** The colours have changed. */
  restyle(): void {
    this.key = "";
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  // ---------------------------------------------------------------------------------------------- what is drawn

  private plan(shown: Curve[]): Line[] {
    const lines: Line[] = [];
    const { ui } = this.store;
    if (ui.compare) {
      for (const other of this.store.others.slice(0, 6)) {
        for (const curve of other.curves.slice(0, 2)) {
          lines.push({ curve: null, label: `${other.name}\u0000${curve.name}`, token: "soft", dash: [], squares: false, pale: true, scale: "y", smoothing: false });
        }
      }
    }
    for (const ghost of this.store.ghosts) {
      lines.push({ curve: null, label: `\u0001${ghost.name}`, token: "soft", dash: [2, 2], squares: false, pale: true, scale: "y", smoothing: false });
    }
    let hue = 0;
    for (const curve of shown) {
      const check = isCheck(curve.name);
      const k = hue;
      if (!check) hue++;
      const token = check ? "param" : HUES[k % HUES.length]!;
      const dash = check ? [6, 3] : DASHES[k % DASHES.length]!;
      const smoothing = curve.kind === "step" && curve.x.length > 20 && ui.smooth > 0;
      if (smoothing) lines.push({ curve, label: curve.name, token, dash: [], squares: false, pale: true, scale: "y", smoothing: false });
      lines.push({ curve, label: curve.name, token, dash, squares: check || curve.kind === "epoch", pale: false, scale: "y", smoothing });
    }
    if (this.showRates()) {
      for (const curve of this.store.rates().slice(0, 3)) {
        lines.push({ curve, label: curve.name, token: "soft", dash: [1, 3], squares: false, pale: false, scale: "rate", smoothing: false });
      }
    }
    return lines;
  }

  showRates(): boolean {
    return this.store.ui.rate ?? this.store.rates().some((curve) => curve.x.length > 1);
  }

  private data(width: number): uPlot.AlignedData {
    const [from, to] = this.range();
    const columns = Math.max(60, Math.round(0.7 * width));
    const curves = this.lines.map((line) => {
      const source = this.source(line);
      const keep = thinned(source.x, source.y, from, to, line.smoothing ? columns / 2 : columns);
      const x = keep.map((k) => source.x[k]!);
      const y: (number | null)[] = keep.map((k) => {
        const value = source.y[k]!;
        return Number.isFinite(value) && (!this.log || line.scale === "rate" || value > 0) ? value : null;
      });
      if (line.scale === "rate" && x.length) {
        x.push(Math.max(this.store.head.step, x[x.length - 1]! + 1e-9)); // it still holds
        y.push(y[y.length - 1]!);
      }
      return { x, y };
    });
    if (!curves.length) return [[0, 1]] as unknown as uPlot.AlignedData;
    return aligned(curves) as unknown as uPlot.AlignedData;
  }

  private source(line: Line): { x: ArrayLike<number>; y: ArrayLike<number> } {
    const curve = line.curve;
    if (curve) return { x: curve.x.view, y: line.smoothing ? curve.smooth(this.store.ui.smooth, this.log) : curve.y.view };
    if (line.label.startsWith("\u0001")) return this.store.ghosts.find((ghost) => ghost.name === line.label.slice(1)) ?? { x: [], y: [] };
    const [run, name] = line.label.split("\u0000");
    return this.store.others.find((other) => other.name === run)?.curves.find((c) => c.name === name) ?? { x: [], y: [] };
  }

  private options(width: number, height: number, left: number, right: number): uPlot.Options {
    const token = (name: string) => this.palette.token(name);
    const font = `11px ${token("sans") || "sans-serif"}`;
    const stroke = (line: Line) => () => {
      if (!line.pale) return token(line.token);
      const [r, g, b] = this.palette.rgb(line.token);
      return `rgba(${r}, ${g}, ${b}, 0.32)`;
    };
    const series: uPlot.Series[] = [
      {},
      ...this.lines.map((line) => ({
        scale: line.scale,
        stroke: stroke(line),
        width: line.pale || line.scale === "rate" ? 1 : 2,
        dash: line.dash,
        spanGaps: true,
        paths: line.scale === "rate" ? uPlot.paths.stepped!({ align: -1 }) : undefined,
        points: line.squares ? { show: true, size: 6, space: 0, paths: squares, fill: stroke(line), stroke: stroke(line) } : { show: false },
      })),
    ];
    return {
      width,
      height,
      series,
      legend: { show: false },
      padding: [8, right, 0, 0],
      cursor: { points: { show: false }, y: false, drag: { x: true, y: false }, focus: { prox: 1e6 } },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, range: () => this.range() },
        y: { distr: this.log ? 3 : 1, range: (_u, low, high) => padded(low, high, this.log) },
        rate: { distr: 3, range: (_u, low, high) => (low > 0 ? [low / 4, high * 1.6] : [1e-6, 1]) },
      },
      axes: [
        { stroke: () => token("soft"), font, size: 26, gap: 4, grid: { show: false }, ticks: { stroke: () => token("line"), width: 1, size: 4 },
          values: (_u, values) => values.map((v) => (v === Math.round(v) ? v.toLocaleString("en") : "")) },
        { size: left, grid: { show: false }, ticks: { show: false }, splits: () => [], values: () => [] }, // its lines and numbers: `heights`
      ],
      hooks: {
        drawAxes: [(u) => this.heights(u, token)],
        draw: [(u) => this.label(u, token), (u) => this.marks(u, token)],
        setCursor: [() => this.showRead()],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, "x");
            const to = u.posToVal(u.select.left + u.select.width, "x");
            this.store.ui.zoom = [Math.max(0, from), to];
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            this.onZoom();
          },
        ],
        ready: [
          (u) => {
            u.over.addEventListener("dblclick", () => {
              this.store.ui.zoom = null;
              this.onZoom();
            });
          },
        ],
      },
    };
  }

  // ---------------------------------------------------------------------------------------------- words on the picture

  /** Lines and numbers of the vertical axis. By hand, because uPlot leaves them out where numbers are very large or decades many. */
  private heights(u: uPlot, token: (name: string) => string): void {
    const { min, max } = u.scales["y"]!, ratio = devicePixelRatio || 1, { ctx } = u;
    if (min === undefined || max === undefined || min === null || max === null || !(max > min)) return;
    ctx.save();
    ctx.font = `${11 * ratio}px ${token("sans") || "sans-serif"}`;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillStyle = token("soft");
    ctx.strokeStyle = token("line");
    ctx.lineWidth = ratio;
    for (const tick of this.log ? logTicks(min, max) : ticks(min, max)) {
      const y = Math.round(u.valToPos(tick, "y", true)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(u.bbox.left, y);
      ctx.lineTo(u.bbox.left + u.bbox.width, y);
      ctx.stroke();
      ctx.fillText(number(Number(tick.toPrecision(4))), u.bbox.left - 6 * ratio, y);
    }
    ctx.restore();
  }

  private label(u: uPlot, token: (name: string) => string): void {
    const ratio = devicePixelRatio || 1;
    const ends: { y: number; x: number; text: string; colour: string }[] = [];
    this.lines.forEach((line, k) => {
      if (line.pale || !line.curve) return;
      const column = u.data[k + 1]!;
      const axis = u.data[0];
      let last = column.length - 1;
      while (last >= 0 && (column[last] === null || column[last] === undefined)) last--;
      if (last < 0) return;
      const value = this.store.ui.zoom ? column[last]! : line.curve.y.data[line.curve.y.length - 1]!;
      ends.push({
        x: Math.min(u.valToPos(axis[last]!, "x", true), u.bbox.left + u.bbox.width),
        y: u.valToPos(column[last]!, line.scale, true),
        text: `${line.label} ${number(shortly(value))}`,
        colour: token(line.token),
      });
    });
    apart(ends, 14 * ratio, u.bbox.top + u.bbox.height);
    const { ctx } = u;
    ctx.save();
    ctx.font = `${11.5 * ratio}px ${token("sans") || "sans-serif"}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    const edge = u.bbox.left + u.bbox.width;
    for (const end of ends) {
      ctx.fillStyle = end.colour;
      let text = end.text;
      const room = u.ctx.canvas.width - Math.min(end.x, edge) - 8 * ratio;
      if (ctx.measureText(text).width > room && end.x > edge - 40 * ratio) {
        const value = text.slice(text.lastIndexOf(" "));
        let name = text.slice(0, text.lastIndexOf(" "));
        while (name.length > 2 && ctx.measureText(`${name}…${value}`).width > room) name = name.slice(0, -1);
        text = `${name}…${value}`;
        if (ctx.measureText(text).width > room) text = value.trim();
      }
      ctx.fillText(text, Math.min(end.x, edge) + 7 * ratio, end.y);
    }
    ctx.restore();
  }

  /** What was touched: a small triangle under the axis line; where an epoch began: a short tick. The chosen step: a line. */
  private marks(u: uPlot, token: (name: string) => string): void {
    const ratio = devicePixelRatio || 1;
    const { ctx } = u;
    const base = u.bbox.top + u.bbox.height;
    const [from, to] = this.range();
    ctx.save();
    ctx.fillStyle = token("ink");
    for (const [step, kind] of this.store.touches) {
      if (step < from || step > to || kind === "resume") continue;
      const x = u.valToPos(step, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, base - 1 * ratio);
      ctx.lineTo(x - 4 * ratio, base - 8 * ratio);
      ctx.lineTo(x + 4 * ratio, base - 8 * ratio);
      ctx.fill();
    }
    const { marks } = this.store.head;
    ctx.strokeStyle = token("rule");
    ctx.lineWidth = ratio;
    if (marks.length > 1 && marks.length < 120) {
      for (const [step] of marks) {
        if (step < from || step > to) continue;
        const x = u.valToPos(step, "x", true);
        ctx.beginPath();
        ctx.moveTo(x, base);
        ctx.lineTo(x, base + 4 * ratio);
        ctx.stroke();
      }
    }
    const { scrub } = this.store.ui;
    if (scrub !== null && scrub >= from && scrub <= to) {
      const x = u.valToPos(scrub, "x", true);
      ctx.strokeStyle = token("accent");
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, base);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** The line above the picture: values under the cursor, at the chosen step, or nothing. */
  private showRead(): void {
    const u = this.plot;
    let step: number | null = this.store.ui.scrub;
    if (u && u.cursor.idx !== null && u.cursor.idx !== undefined && (u.cursor.left ?? -1) >= 0) step = u.data[0][u.cursor.idx] ?? step;
    this.read.textContent = step === null ? "" : this.readAt(Math.round(step));
  }

  /** The values at a step, in a line of text. */
  readAt(step: number): string {
    const parts = [`step ${step.toLocaleString("en")}`];
    for (const curve of [...this.store.shown().slice(0, MOST), ...this.store.rates().slice(0, 2)]) {
      const value = this.store.valueAt(curve, step);
      if (value !== null) parts.push(`${curve.name} ${number(value)}`);
    }
    return parts.join("   ");
  }

  /** What a listener gets instead of the picture. */
  private spoken(curves: Curve[]): string {
    if (!curves.length) return "No curve yet.";
    const said = curves.map((curve) => {
      const first = curve.y.data[0]!;
      const last = curve.y.data[curve.y.length - 1]!;
      const best = curve.best ? `, lowest ${number(curve.best[1])} at step ${curve.best[0]}` : "";
      const way = last < first ? "fell" : last > first ? "rose" : "";
      return `${curve.name} ${way ? `${way} from ${number(first)} to` : `began with ${number(first)} and ended with`} ${number(last)}${best}`;
    });
    return `Curves over ${this.store.head.step} steps: ${said.join("; ")}.`;
  }
}

/** Whether a curve is measured on data that is not trained on. */
export function isCheck(name: string): boolean {
  return /^(val|test|held|eval)/i.test(name);
}

function shortly(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : value;
}

function padded(low: number | null, high: number | null, log: boolean): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return log ? [0.1, 1] : [0, 1];
  if (log) return low > 0 ? [low / (high / low) ** 0.06 / 1.05, high * (high / low) ** 0.06 * 1.05] : [1e-3, 1];
  const pad = 0.06 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low - pad, high + pad];
}

/** Round values between two ends; the same in Python (export/run_svg.py). */
export function ticks(low: number, high: number): number[] {
  if (!(high - low > 1e-12 * Math.max(Math.abs(low), Math.abs(high)))) return [low]; // no round values lie between
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const unit = power * [1, 2, 5, 10].find((m) => m * power >= rough)!;
  const found: number[] = [];
  for (let k = Math.ceil(low / unit); k <= Math.floor(high / unit); k++) found.push(k * unit);
  return found;
}

/** Round values on a logarithmic axis: powers of ten, with 2 and 5 between them where there is room. */
export function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const every = Math.max(1, Math.ceil(decades / 5));
  const between = decades < 1.1 ? [1, 2, 3, 5, 7] : decades < 2.2 ? [1, 2, 5] : [1];
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (between.length === 1 && power % every) continue;
    for (const m of between) {
      const tick = Number(`${m}e${power}`);
      if (tick >= low && tick <= high) found.push(tick);
    }
  }
  return found;
}

/** Square marks, the second channel of curves that are dashed; none where they would run into each other. */
const squares: uPlot.Series.Points.PathBuilder = (u, k, first, last, filtered) => {
  const size = 6 * (devicePixelRatio || 1);
  const fill = new Path2D();
  const column = u.data[k]!;
  const places = (filtered ?? Array.from({ length: last - first + 1 }, (_, i) => first + i)).filter((i) => column[i] !== null && column[i] !== undefined);
  for (const i of places.length > 80 ? [] : places) {
    fill.rect(u.valToPos(u.data[0][i]!, "x", true) - size / 2, u.valToPos(column[i]!, "y", true) - size / 2, size, size);
  }
  return { stroke: fill, fill, flags: 2 };
};
