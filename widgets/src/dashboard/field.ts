// Field: what a classifier says about every point of the plane, morphing while it trains.

import { html } from "../common/dom";
import { rgb } from "../common/tokens";
import { lastNotAfter } from "./flow";
import type { Palette } from "./palette";
import type { Store } from "./store";

export class FieldView {
  readonly root = html("div", { class: "adl-field" });
  private readonly canvas = html("canvas", { role: "img" });
  private drawn = ""; // what stands on the canvas
  private readonly caption = html("div", { class: "soft adl-field-caption" });

  constructor(
    private readonly store: Store,
    private readonly palette: Palette,
  ) {
    this.root.append(this.caption, this.canvas);
  }

  draw(side: number): void {
    const { field, ui } = this.store;
    this.root.hidden = !field || !field.frames.length;
    if (!field || this.root.hidden) return;
    const k = Math.max(0, ui.scrub === null ? field.frames.length - 1 : lastNotAfter(field.steps, ui.scrub));
    const frame = field.frames[k]!;
    const [w, h] = field.size;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const pixels = Math.round(side * ratio);
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    this.canvas.style.width = this.canvas.style.height = `${side}px`;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const colours = CLASS_TOKENS.map((token) => this.palette.rgb(token));
    const ground = groundOf(this.root);
    const key = [k, field.steps[k], pixels, ground, colours.slice(0, field.classes)].join();
    if (key === this.drawn) return;
    this.drawn = key;
    const small = new OffscreenCanvas(w, h);
    const image = new ImageData(w, h);
    for (let i = 0; i < frame.length; i++) {
      // A byte holds the class (high three bits) and how sure the model is (low five).
      const colour = colours[(frame[i]! >> 5) % colours.length]!;
      const sure = (frame[i]! & 31) / 31;
      const mix = 0.08 + 0.5 * sure;
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = ground[c]! + (colour[c]! - ground[c]!) * mix;
      image.data[4 * i + 3] = 255;
    }
    small.getContext("2d")!.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, pixels, pixels);
    this.drawPoints(context, pixels, ratio, colours, ground);
    const step = field.steps[k]!;
    this.caption.textContent = `What the model says, step ${step.toLocaleString("en")}`;
    this.canvas.setAttribute("aria-label", `Decision surface at step ${step}: ${field.classes} classes over ${field.names[0]} and ${field.names[1]}, with ${field.labels.length} data points.`);
  }

  private drawPoints(context: CanvasRenderingContext2D, pixels: number, ratio: number, colours: [number, number, number][], ground: [number, number, number]): void {
    const { extent, points, labels } = this.store.field!;
    const [x0, x1, y0, y1] = extent;
    context.strokeStyle = `rgb(${ground.join(",")})`;
    context.lineWidth = ratio;
    for (let k = 0; k < labels.length; k++) {
      const x = ((points[2 * k]! - x0) / (x1 - x0)) * pixels;
      const y = (1 - (points[2 * k + 1]! - y0) / (y1 - y0)) * pixels;
      const label = Math.round(labels[k]!);
      const [r, g, b] = colours[label % colours.length]!;
      context.fillStyle = `rgb(${r}, ${g}, ${b})`;
      mark(context, label, x, y, 3 * ratio);
    }
  }
}

/** The colour that is really behind an element: a token may hold the name of another variable. */
function groundOf(element: Element): [number, number, number] {
  const panel = element.closest(".adl-panel");
  return rgb(panel ? getComputedStyle(panel).backgroundColor : "#fff");
}

const CLASS_TOKENS = ["linear", "param", "point", "reduce", "random", "grad", "data", "accent"];

/** A shape for each class: colour is never the only channel. */
function mark(context: CanvasRenderingContext2D, label: number, x: number, y: number, r: number): void {
  context.beginPath();
  if (label % 4 === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (label % 4 === 1) context.rect(x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r);
  else if (label % 4 === 2) {
    context.moveTo(x, y - r * 1.2);
    context.lineTo(x + r * 1.1, y + r * 0.8);
    context.lineTo(x - r * 1.1, y + r * 0.8);
    context.closePath();
  } else {
    context.moveTo(x, y - r * 1.3);
    context.lineTo(x + r * 1.3, y);
    context.lineTo(x, y + r * 1.3);
    context.lineTo(x - r * 1.3, y);
    context.closePath();
  }
  context.fill();
  context.stroke();
}
