// Entry of the Tensor widget: a heat map of one slice, the number under the pointer, sliders for the other dimensions.

import "../common/index.css";
import "./tensor.css";
import type { AnyModel } from "@anywidget/types";
import { contain, failure, html } from "../common/dom";
import { number } from "../common/format";
import { followTheme } from "../common/theme";
import { rgb, tokenValue } from "../common/tokens";
import { colorOf, scaleOf, statistics, type Rgb } from "./colors";

interface Header {
  title: string; facts: string; words: string; shape: number[]; dtype: string; step: [number, number]; lead: number[];
  slices: number; of: number; rows: number; columns: number; magnitudes: boolean;
}
interface Model { header: Header; numbers: DataView }

class TensorPanel {
  private at: number[];
  private cell: [number, number] = [0, 0];
  private readonly canvas = html("canvas", { tabindex: 0, role: "img" });
  private readonly table = html("table", {});
  private readonly said = html("div", { class: "adl-heard", "aria-live": "polite" });
  private readonly stop: () => void;
  private size = 8;

  constructor(private readonly root: HTMLElement, private readonly header: Header, private readonly values: Float32Array) {
    this.at = header.lead.map(() => 0);
    this.stop = followTheme(root, () => this.draw());
    contain(root);
    const sliders = html("div", { class: "adl-slices" });
    header.lead.forEach((n, k) => {
      if (n < 2) return;
      const input = html("input", { type: "range", min: 0, max: n - 1, value: 0, "aria-label": `Index ${k} of ${n}` }), out = html("output", { class: "m" }, "0");
      input.addEventListener("input", () => {
        this.at[k] = Number(input.value);
        out.textContent = input.value;
        this.draw();
      });
      sliders.append(html("label", {}, html("span", { class: "soft" }, `dimension ${k}`), input, out));
    });
    root.replaceChildren(html("div", { class: "adl-panel", role: "group", "aria-label": `Tensor ${header.title}` },
      html("div", { class: "adl-bar" }, html("span", { class: "adl-title" }, header.title || "tensor"), html("span", { class: "adl-sub" }, header.facts)),
      html("div", { class: "adl-tensor" }, this.canvas, this.table), ...(sliders.childNodes.length ? [sliders] : []), this.said));
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.move(Math.floor(((event.clientY - box.top) / box.height) * header.rows), Math.floor(((event.clientX - box.left) / box.width) * header.columns));
    });
    this.canvas.addEventListener("keydown", (event) => {
      const by: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const step = by[event.key];
      if (!step) return;
      event.preventDefault();
      this.move(this.cell[0] + step[0], this.cell[1] + step[1]);
      this.said.textContent = this.words();
    });
    this.draw();
  }

  end(): void {
    this.stop();
  }

  private get slice(): number {
    return this.at.reduce((index, i, k) => index * this.header.lead[k]! + i, 0);
  }

  private numbers(): Float32Array {
    const n = this.header.rows * this.header.columns;
    return this.values.subarray(this.slice * n, (this.slice + 1) * n);
  }

  private move(row: number, column: number): void {
    this.cell = [Math.max(0, Math.min(this.header.rows - 1, row)), Math.max(0, Math.min(this.header.columns - 1, column))];
    this.draw();
  }

  private words(): string {
    const { step, columns } = this.header, [row, column] = this.cell, value = this.numbers()[row * columns + column];
    return `row ${row * step[0]}, column ${column * step[1]}: ${value === undefined ? "not sent" : number(value)}`;
  }

  private draw(): void {
    const { rows, columns, step, words, slices, of } = this.header, values = this.numbers();
    const color = (token: string) => rgb(tokenValue(this.root, token)) as Rgb;
    const scale = scaleOf(this.values), zero = color("zero"), neg = color("neg"), pos = color("pos"), ink = color("ink"), bad = color("grad");
    this.size = Math.max(1, Math.min(22, Math.floor(Math.min(420 / columns, 280 / rows))));
    const s = this.size;
    this.canvas.width = columns * s;
    this.canvas.height = rows * s;
    this.canvas.setAttribute("aria-label", `${words} ${this.words()}`);
    const g = this.canvas.getContext("2d");
    if (g) {
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
        const value = values[i * columns + j];
        if (value === undefined) continue;
        g.fillStyle = `rgb(${colorOf(value, scale, zero, neg, pos, ink, bad).join(",")})`;
        g.fillRect(j * s, i * s, s > 8 ? s - 1 : s, s > 8 ? s - 1 : s);
      }
      g.strokeStyle = tokenValue(this.root, "accent");
      g.lineWidth = 2;
      g.strokeRect(this.cell[1] * s + 1, this.cell[0] * s + 1, Math.max(2, s - 3), Math.max(2, s - 3));
    }
    const stats = statistics(values), value = values[this.cell[0] * columns + this.cell[1]];
    const rowsOf: [string, string][] = [
      [`row ${this.cell[0] * step[0]}, col ${this.cell[1] * step[1]}`, ""], ["value", value === undefined ? "not sent" : String(Number(value.toPrecision(7)))], ["min", number(stats.min)], ["max", number(stats.max)],
      ["mean", number(stats.mean)], ["zeros", `${Math.round(100 * stats.zeros)} %`], ["NaN", String(stats.nans)],
    ];
    if (step[0] > 1 || step[1] > 1) rowsOf.push(["shown", `every ${step[0]} × ${step[1]}`]);
    if (slices < of) rowsOf.push(["slices", `${slices} of ${of} sent`]);
    if (this.header.magnitudes) rowsOf.push(["complex", "magnitudes"]);
    this.table.replaceChildren(...rowsOf.map(([name, text], i) => html("tr", {}, html("th", { scope: "row", colspan: i ? null : 2 }, name), ...(i ? [html("td", {}, text)] : []))));
  }
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
