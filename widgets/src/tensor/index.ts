// Entry of the Tensor widget: a heat map of one slice (of an image the image), the number under the pointer; the other
// slices as a grid of small pictures to choose from, by a click or by sliders.

import "../common/index.css";
import "./tensor.css";
import type { AnyModel } from "@anywidget/types";
import { contain, failure, html } from "../common/dom";
import { number } from "../common/format";
import { followTheme } from "../common/theme";
import { rgb, tokenValue } from "../common/tokens";
import { colorOf, scaleOf, statistics, type Rgb, type Scale } from "./colors";

interface Header {
  title: string; facts: string; words: string; shape: number[]; dtype: string; step: [number, number]; lead: number[];
  slices: number; of: number; rows: number; columns: number; magnitudes: boolean; image?: boolean;
}
interface Model { header: Header; numbers: DataView }

const WRAP = 64; // so many numbers of a one-dimensional tensor stand in a row
const THUMBS = 64, THUMB = 44; // pictures in the grid of slices, and their size

class TensorPanel {
  private at: number[];
  private cell: [number, number] = [0, 0];
  private readonly rows: number;
  private readonly columns: number;
  /** How many numbers a picture is made of: three of them are red, green and blue. */
  private readonly per: number;
  private readonly scale: Scale;
  private readonly canvas = html("canvas", { tabindex: 0, role: "img" });
  private readonly grid = html("canvas", { role: "img" });
  private readonly table = html("table", {});
  private readonly said = html("div", { class: "adl-heard", "aria-live": "polite" });
  private readonly sliders: { input: HTMLInputElement; out: HTMLOutputElement; dimension: number }[] = [];
  private readonly stop: () => void;
  private readonly resized: ResizeObserver;

  constructor(private readonly root: HTMLElement, private readonly header: Header, private readonly values: Float32Array) {
    this.at = header.lead.map(() => 0);
    this.columns = header.shape.length === 1 ? Math.min(header.columns, WRAP) : header.columns;
    this.rows = header.shape.length === 1 ? Math.ceil(header.columns / this.columns) : header.rows;
    this.per = header.image ? 3 * header.rows * header.columns : header.rows * header.columns;
    this.scale = header.image ? { low: 0, high: header.dtype === "uint8" ? 255 : 1, signed: false } : scaleOf(values);
    this.stop = followTheme(root, () => this.draw());
    contain(root);
    const sliders = html("div", { class: "adl-slices" });
    header.lead.forEach((n, dimension) => {
      if (n < 2) return;
      const input = html("input", { type: "range", min: 0, max: n - 1, value: 0, "aria-label": `Index ${dimension} of ${n}` }), out = html("output", { class: "m" }, "0");
      input.addEventListener("input", () => this.choose(this.at.map((i, k) => (k === dimension ? Number(input.value) : i))));
      this.sliders.push({ input, out, dimension });
      sliders.append(html("label", {}, html("span", { class: "soft" }, `dimension ${dimension}`), input, out));
    });
    root.replaceChildren(html("div", { class: "adl-panel", role: "group", "aria-label": `Tensor ${header.title}` },
      html("div", { class: "adl-bar" }, html("span", { class: "adl-title" }, header.title || "tensor"), html("span", { class: "adl-sub" }, header.facts)),
      html("div", { class: "adl-tensor" }, this.canvas, this.table, ...(this.pictures > 1 ? [html("div", { class: "adl-grid" }, this.grid)] : [])), ...(sliders.childNodes.length ? [sliders] : []), this.said));
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.move(Math.floor(((event.clientY - box.top) / box.height) * this.rows), Math.floor(((event.clientX - box.left) / box.width) * this.columns));
    });
    this.canvas.addEventListener("keydown", (event) => {
      const by: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const step = by[event.key];
      if (!step) return;
      event.preventDefault();
      this.move(this.cell[0] + step[0], this.cell[1] + step[1]);
      this.said.textContent = this.words();
    });
    this.grid.addEventListener("click", (event) => {
      const box = this.grid.getBoundingClientRect(), zoom = box.width / this.grid.clientWidth || 1;
      const picked = this.thumbAt((event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom);
      if (picked !== null) this.choose(unravelled(picked, header.lead));
    });
    // Colours and sizes are known once the panel is on the page, and not before.
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(root);
  }

  end(): void {
    this.stop();
    this.resized.disconnect();
  }

  /** How many pictures there are: slices, or colour images. */
  private get pictures(): number {
    return Math.max(1, this.header.lead.reduce((a, b) => a * b, 1));
  }

  private get picture(): number {
    return this.at.reduce((index, i, k) => index * this.header.lead[k]! + i, 0);
  }

  private numbers(picture: number): Float32Array {
    return this.values.subarray(picture * this.per, (picture + 1) * this.per);
  }

  private choose(at: number[]): void {
    this.at = at;
    for (const { input, out, dimension } of this.sliders) input.value = out.textContent = String(at[dimension]);
    this.draw();
  }

  private move(row: number, column: number): void {
    this.cell = [Math.max(0, Math.min(this.rows - 1, row)), Math.max(0, Math.min(this.columns - 1, column))];
    this.draw();
  }

  /** Where the chosen number stands in the tensor, and what it is: of an image, three numbers. */
  private chosen(): { place: string; numbers: number[] } {
    const { step, shape, image, rows, columns } = this.header, [row, column] = this.cell, all = this.numbers(this.picture), at = row * this.columns + column;
    const numbers = (image ? [0, 1, 2].map((c) => all[c * rows * columns + at]) : [all[at]]).filter((v) => v !== undefined);
    return { place: shape.length === 1 ? `index ${at}` : `row ${row * step[0]}, col ${column * step[1]}`, numbers };
  }

  private words(): string {
    const { place, numbers } = this.chosen();
    return `${place.replace("col", "column")}: ${numbers.length ? numbers.map(number).join(", ") : "not sent"}`;
  }

  private draw(): void {
    if (!this.root.isConnected) return;
    const { words, step, slices, of, image, magnitudes } = this.header, values = this.numbers(this.picture);
    // Square cells; where there are few rows or few columns, they are drawn as bands that can be seen.
    const size = Math.max(1, Math.min(22, Math.floor(Math.min(420 / this.columns, 280 / this.rows))));
    const w = Math.max(size, this.columns <= 4 ? 16 : 1), h = Math.max(size, this.rows <= 4 ? 16 : 1);
    this.canvas.width = this.columns * w;
    this.canvas.height = this.rows * h;
    this.canvas.setAttribute("aria-label", `${words} ${this.words()}`);
    const g = this.canvas.getContext("2d");
    if (g) {
      g.imageSmoothingEnabled = false;
      g.drawImage(this.painted(values), 0, 0, this.canvas.width, this.canvas.height);
      if (size > 8 && !image) { // a line of the ground between cells
        for (let j = 1; j <= this.columns; j++) g.clearRect(j * w - 1, 0, 1, this.canvas.height);
        for (let i = 1; i <= this.rows; i++) g.clearRect(0, i * h - 1, this.canvas.width, 1);
      }
      g.strokeStyle = tokenValue(this.root, "accent");
      g.lineWidth = 2;
      g.strokeRect(this.cell[1] * w + 1, this.cell[0] * h + 1, Math.max(2, w - 3), Math.max(2, h - 3));
    }
    if (this.pictures > 1) this.drawGrid();
    const stats = statistics(values), { place, numbers } = this.chosen();
    const rowsOf: [string, string][] = [
      [place, ""], ["value", numbers.length ? numbers.map((v) => String(Number(v.toPrecision(numbers.length > 1 ? 3 : 7)))).join(", ") : "not sent"], ["min", number(stats.min)], ["max", number(stats.max)],
      ["mean", number(stats.mean)], ["zeros", `${Math.round(100 * stats.zeros)} %`], ["NaN", String(stats.nans)],
    ];
    if (step[0] > 1 || step[1] > 1) rowsOf.push(["shown", `every ${step[0]} × ${step[1]}`]);
    if (slices < of) rowsOf.push(["slices", `${slices} of ${of} sent`]);
    if (magnitudes) rowsOf.push(["complex", "magnitudes"]);
    this.table.replaceChildren(...rowsOf.map(([name, text], i) => html("tr", {}, html("th", { scope: "row", colspan: i ? null : 2 }, name), ...(i ? [html("td", {}, text)] : []))));
  }

  /** One picture, a pixel for each number. */
  private painted(values: Float32Array): HTMLCanvasElement {
    const color = (token: string) => rgb(tokenValue(this.root, token)) as Rgb;
    const zero = color("zero"), neg = color("neg"), pos = color("pos"), ink = color("ink"), bad = color("grad");
    const made = html("canvas", { width: this.columns, height: this.rows }), n = this.header.rows * this.header.columns, { high } = this.scale;
    const g = made.getContext("2d"), pixels = g?.createImageData(this.columns, this.rows);
    if (!g || !pixels) return made;
    for (let k = 0; k < n && k < values.length; k++) {
      const [r, gr, b] = this.header.image ? [0, 1, 2].map((c) => (255 * values[c * n + k]!) / high) as Rgb : colorOf(values[k]!, this.scale, zero, neg, pos, ink, bad);
      pixels.data.set([r, gr, b, 255], 4 * k);
    }
    g.putImageData(pixels, 0, 0);
    return made;
  }

  // The grid of all slices

  private get across(): number {
    return Math.max(1, Math.min(this.pictures, Math.floor(((this.root.clientWidth || 600) - 28) / (THUMB + 4)), 16));
  }

  private get thumbs(): number {
    return Math.min(THUMBS, this.pictures, Math.floor(this.values.length / this.per));
  }

  private thumbAt(x: number, y: number): number | null {
    const picked = Math.floor(y / (THUMB + 4)) * this.across + Math.floor(x / (THUMB + 4));
    return picked < this.thumbs ? picked : null;
  }

  private drawGrid(): void {
    const { across, thumbs } = this, down = Math.ceil(thumbs / across), ratio = window.devicePixelRatio || 1, side = THUMB + 4;
    this.grid.width = across * side * ratio;
    this.grid.height = down * side * ratio;
    this.grid.style.width = `${across * side}px`;
    this.grid.setAttribute("aria-label", `${thumbs < this.pictures ? `The first ${thumbs} of ${this.pictures}` : `All ${thumbs}`} slices, small. The sliders choose one.`);
    const g = this.grid.getContext("2d");
    if (!g) return;
    g.scale(ratio, ratio);
    g.imageSmoothingEnabled = false;
    const fit = Math.min(THUMB / this.columns, THUMB / this.rows), w = Math.max(2, this.columns * fit), h = Math.max(2, this.rows * fit);
    for (let k = 0; k < thumbs; k++) {
      const x = (k % across) * side + 2, y = Math.floor(k / across) * side + 2;
      g.drawImage(this.painted(this.numbers(k)), x, y, w, h);
      if (k !== this.picture) continue;
      g.strokeStyle = tokenValue(this.root, "accent");
      g.lineWidth = 2;
      g.strokeRect(x - 1, y - 1, w + 2, h + 2);
    }
  }
}

/** The index in each dimension of element `k` of an array of this shape. */
function unravelled(k: number, shape: number[]): number[] {
  const at = shape.map(() => 0);
  for (let d = shape.length - 1; d >= 0; d--) {
    at[d] = k % shape[d]!;
    k = Math.floor(k / shape[d]!);
  }
  return at;
}

function render({ model, el }: { model: AnyModel<Model>; el: HTMLElement }): () => void {
  try {
    const root = document.createElement("div");
    el.append(root);
    const bytes = model.get("numbers");
    const panel = new TensorPanel(root, model.get("header"), new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)));
    return () => panel.end();
  } catch (error) {
    failure(el, "The tensor", error);
    return () => {};
  }
}

export default { render };
