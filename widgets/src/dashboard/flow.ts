// Gradient flow: one row a parameter, forward order from bottom to top, one column a measured step, on the curves' own time axis.

import { blend } from "./math";
import { html, svg } from "../common/dom";
import { number } from "../common/format";
import type { Palette } from "./palette";
import type { Close, Store } from "./store";

const MOST = 8;

export class FlowView {
  readonly root = html("div", { class: "adl-flow" });
  private rows: { name: string; index: number; canvas: HTMLCanvasElement; value: HTMLElement; word: HTMLButtonElement; button: HTMLButtonElement }[] = [];
  private readonly caption = html("div", { class: "adl-flow-caption soft" });
  private readonly list = html("div", { class: "adl-flow-rows", role: "list" });
  private readonly more = html("button", { type: "button", class: "adl-flow-more" });
  private readonly detail = html("div", { class: "adl-flow-detail" });
  private key = "";
  onChange: () => void = () => {};
  /** Called when a reader asks why a row has its word. */
  onWord: () => void = () => {};

  constructor(
    private readonly store: Store,
    private readonly palette: Palette,
  ) {
    this.more.addEventListener("click", () => {
      this.store.ui.allRows = !this.store.ui.allRows;
      this.onChange();
    });
    this.root.append(this.caption, this.list, this.more, this.detail);
  }

  draw(width: number, left: number, right: number, range: [number, number]): void {
    const { flow, ui } = this.store;
    this.root.hidden = !flow.columns.length;
    if (this.root.hidden) return;
    const chosen = rowsToShow(flow.names, flow.shapes, ui.allRows ? 400 : MOST, this.store.head.verdicts);
    const key = JSON.stringify([chosen.map((k) => flow.names[k])]);
    if (key !== this.key) this.build(chosen, key);
    const hidden = flow.names.length - chosen.length;
    this.more.hidden = !hidden && !ui.allRows;
    this.more.textContent = ui.allRows ? "Show fewer" : `Show ${hidden} more`;
    const span = this.span();
    const shades = shadesOf(["neg", "flowmid", "pos"].map((name) => this.palette.rgb(name)));
    this.caption.textContent = `Gradient size of each parameter (blue: small, ${number(tidyPower(span[0]))}; red: large, ${number(tidyPower(span[1]))})`
      + (flow.stride > 1 ? `, every ${flow.stride}${flow.stride === 2 ? "nd" : "th"} step` : "");
    this.list.style.setProperty("--left", `${left}px`);
    this.list.style.setProperty("--right", `${right}px`);
    const plot = Math.max(20, width - left - right);
    const at = ui.scrub ?? Infinity;
    const now = lastNotAfter(flow.steps.view, at);
    const places = columnsOfPixels(Math.round(plot), flow.steps.view, flow.stride, range);
    const mark = ui.scrub !== null && ui.scrub >= range[0] && ui.scrub <= range[1] ? (ui.scrub - range[0]) / (range[1] - range[0]) : null;
    for (const row of this.rows) {
      paint(row.canvas, places, flow.columns, row.index, span, shades, mark, this.palette.token("accent"));
      const value = now >= 0 ? flow.columns[now]![row.index]! : NaN;
      row.value.textContent = Number.isNaN(value) ? "none" : number(Number(value.toPrecision(2)));
      const word = this.store.head.verdicts[row.name] ?? "";
      row.word.textContent = word;
      row.word.hidden = !word;
      row.word.setAttribute("aria-label", `${row.name} ${word}: why?`);
      row.button.setAttribute("aria-expanded", String(ui.row === row.name));
      row.button.setAttribute("aria-label", `${row.name}: gradient ${row.value.textContent}${word ? `, ${word}` : ""}`);
    }
    this.drawDetail();
  }

  private build(chosen: number[], key: string): void {
    this.key = key;
    const { flow } = this.store;
    // Forward order from bottom to top.
    this.rows = [...chosen].reverse().map((index) => {
      const name = flow.names[index]!;
      const canvas = html("canvas", { height: 1, "aria-hidden": "true" });
      const value = html("span", { class: "adl-flow-value m" });
      const word = html("button", { type: "button", class: "adl-flow-word g", title: "Why?" });
      word.addEventListener("click", () => this.onWord());
      const button = html("button", { type: "button", class: "adl-flow-name m", title: `${name}, ${(flow.shapes[index] ?? []).join(" × ")}` }, html("span", {}, name));
      button.addEventListener("click", () => {
        this.store.ui.row = this.store.ui.row === name ? null : name;
        this.onChange();
      });
      return { name, index, canvas, value, word, button };
    });
    this.list.replaceChildren(
      ...this.rows.map((row) => html("div", { class: "adl-flow-row", role: "listitem" }, row.button, row.canvas, html("span", { class: "adl-flow-end" }, row.value, row.word))),
    );
  }

  /** The exponents at the two ends of the colour scale: of all that was measured, without the faintest 2 %. */
  private span(): [number, number] {
    const logs: number[] = [];
    const { columns } = this.store.flow;
    const skip = Math.max(1, Math.floor(columns.length / 64));
    for (let k = 0; k < columns.length; k += skip) for (const value of columns[k]!) if (value > 0 && Number.isFinite(value)) logs.push(Math.log10(value));
    if (!logs.length) return [-3, 0];
    logs.sort((a, b) => a - b);
    const high = logs[logs.length - 1]!;
    return [Math.min(logs[Math.floor(0.02 * (logs.length - 1))]!, high - 1), high];
  }

  /** A closer look at the chosen row: how far it moved, how many zeros, how its gradients are spread. */
  private drawDetail(): void {
    const { flow, ui } = this.store;
    const index = ui.row === null ? -1 : flow.names.indexOf(ui.row);
    this.detail.hidden = index < 0;
    if (index < 0) return;
    const look = nearest(flow.close, ui.scrub ?? Infinity);
    if (!look) {
      this.detail.replaceChildren(html("span", { class: "soft" }, `${ui.row}: the first closer look comes after 16 measured steps.`));
      return;
    }
    const wide = 2 * flow.bins + 1;
    const ratio = look.ratio[index]!;
    const zeros = look.zeros[index]!;
    const words = [
      `${ui.row} at step ${look.step}: `,
      Number.isNaN(ratio) ? "" : `this step moved it by ${number(Number((100 * ratio).toPrecision(2)))} % of its length. `,
      Number.isNaN(zeros) ? "No gradient came." : `${number(Number((100 * zeros).toPrecision(2)))} % of its gradients are 0.`,
    ];
    this.detail.replaceChildren(html("div", {}, words.join("")), histogramOf(look.counts.subarray(index * wide, (index + 1) * wide), flow.bins));
  }
}

function tidyPower(exponent: number): number {
  return Number((10 ** exponent).toPrecision(1));
}

/** Which rows are drawn: all of a small model, those with a verdict and the weights of a larger one, then evenly chosen ones. */
export function rowsToShow(names: string[], shapes: number[][], most: number, verdicts: Record<string, string>): number[] {
  let rows = names.map((_, k) => k);
  if (rows.length > most) {
    const weights = rows.filter((k) => (shapes[k] ?? []).length > 1 || verdicts[names[k]!]);
    if (weights.length) rows = weights;
  }
  if (rows.length > most) {
    const kept = new Set(rows.filter((k) => verdicts[names[k]!]).slice(0, most / 2));
    const free = most - kept.size;
    for (let k = 0; k < free; k++) kept.add(rows[Math.floor((k * (rows.length - 1)) / Math.max(1, free - 1))]!);
    rows = [...kept].sort((a, b) => a - b);
  }
  return rows;
}

/** The position of the last element that is not after `x`; -1 if none. */
export function lastNotAfter(values: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function nearest(looks: Close[], step: number): Close | null {
  let best: Close | null = null;
  for (const look of looks) if (look.step <= step && (!best || look.step > best.step)) best = look;
  return best ?? looks[0] ?? null;
}

/** The column that each pixel of a row shows: of the stretch of steps it lies in; -1 after the end. The same for every row, so it is found once. */
export function columnsOfPixels(wide: number, steps: ArrayLike<number>, stride: number, [from, to]: [number, number]): Int32Array {
  const places = new Int32Array(wide).fill(-1);
  let column = 0;
  for (let x = 0; x < wide; x++) {
    const step = from + ((x + 0.5) / wide) * (to - from);
    if (!steps.length || step > steps[steps.length - 1]!) break;
    while (column + 1 < steps.length && steps[column + 1]! <= step + stride * 0.999) column++;
    places[x] = column;
  }
  return places;
}

/** 256 colours from small to large, as pixels. */
function shadesOf(stops: [number, number, number][]): Uint32Array {
  const bytes = new Uint8Array(1024);
  for (let k = 0; k < 256; k++) bytes.set([...blend(stops, k / 255), 255], 4 * k);
  return new Uint32Array(bytes.buffer);
}

function paint(canvas: HTMLCanvasElement, places: Int32Array, columns: Float32Array[], row: number, span: [number, number], shades: Uint32Array, mark: number | null, accent: string): void {
  if (canvas.width !== places.length) canvas.width = places.length;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(canvas.width, 1);
  const pixels = new Uint32Array(image.data.buffer);
  const scale = 255 / (span[1] - span[0]);
  for (let x = 0; x < pixels.length; x++) {
    const place = places[x]!;
    if (place < 0) break;
    const value = columns[place]![row]!;
    if (Number.isNaN(value)) continue;
    const t = value === 0 ? 0 : Number.isFinite(value) ? (Math.log10(value) - span[0]) * scale : 255;
    pixels[x] = shades[Math.min(255, Math.max(0, Math.round(t)))]!;
  }
  context.putImageData(image, 0, 0);
  if (mark !== null) {
    context.fillStyle = accent;
    context.fillRect(Math.round(mark * canvas.width) - 1, 0, 2, 1);
  }
}

/** Bars by sign and power of two: negative large … small, zero, positive small … large. */
function histogramOf(counts: Uint16Array, bins: number): Element {
  const seen = [...counts.keys()].filter((k) => counts[k]! > 0 && k !== bins);
  const far = Math.max(3, ...seen.map((k) => Math.abs(k - bins)));
  const near = Math.max(1, Math.min(...seen.map((k) => Math.abs(k - bins)), far) - 1);
  const places: number[] = [];
  for (let k = -far; k <= far; k++) if (k === 0 || Math.abs(k) >= near) places.push(k);
  const top = Math.max(1, ...places.map((k) => counts[bins + k]!));
  const w = Math.min(9, 300 / places.length);
  const height = 44;
  const base = 56;
  const exponent = (k: number) => Math.abs(k) - 1 - 40;
  const bars = places.map((k, i) => {
    const tall = (height * counts[bins + k]!) / top;
    return svg("rect", { x: i * w, y: base - 12 - tall, width: Math.max(1, w - 1), height: tall, fill: k === 0 ? "var(--soft)" : k < 0 ? "var(--neg)" : "var(--pos)" });
  });
  const say = (k: number) => `${k < 0 ? "-" : ""}${number(Number((2 ** exponent(k)).toPrecision(1)))}`;
  const middle = places.indexOf(0) * w;
  return svg(
    "svg",
    { width: places.length * w + 80, height: base, role: "img", "aria-label": `Histogram of gradients between ${say(-far)} and ${say(far)}, by powers of two.` },
    svg("g", { transform: "translate(40 0)" }, ...bars,
      svg("text", { x: 0, y: base - 1, "text-anchor": "middle", class: "adl-tiny" }, say(-far)),
      svg("text", { x: middle + w / 2, y: base - 1, "text-anchor": "middle", class: "adl-tiny" }, "0"),
      svg("text", { x: places.length * w, y: base - 1, "text-anchor": "middle", class: "adl-tiny" }, say(far))),
  );
}
