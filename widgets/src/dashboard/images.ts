// Images and tensors that were logged: the newest of each, or the one of the chosen step.

import { html } from "../common/dom";
import { lastNotAfter } from "./flow";
import type { Frame, Store } from "./store";

const SIDE = 72;

export class ImagesView {
  readonly root = html("div", { class: "adl-images" });
  private readonly cards = new Map<string, { canvas: HTMLCanvasElement; caption: HTMLElement; card: HTMLElement; drawn: Frame | null }>();

  constructor(private readonly store: Store) {}

  draw(): void {
    const { images, ui } = this.store;
    this.root.hidden = !images.length;
    for (const { name, frames } of images) {
      if (!frames.length) continue;
      let known = this.cards.get(name);
      if (!known) {
        const canvas = html("canvas", { role: "img" });
        const caption = html("figcaption", { class: "soft" });
        known = { canvas, caption, card: html("figure", {}, canvas, caption), drawn: null };
        this.cards.set(name, known);
        this.root.append(known.card);
      }
      const at = ui.scrub === null ? frames.length - 1 : Math.max(0, lastNotAfter(frames.map((frame) => frame.step), ui.scrub));
      const frame = frames[at]!;
      if (known.drawn === frame) continue;
      known.drawn = frame;
      paint(known.canvas, frame);
      known.caption.textContent = `${name}, step ${frame.step}`;
      known.canvas.setAttribute("aria-label", `${name} at step ${frame.step}, ${frame.height} by ${frame.width}`);
    }
  }
}

function paint(canvas: HTMLCanvasElement, { height, width, channels, bytes }: Frame): void {
  canvas.width = width;
  canvas.height = height;
  const scale = SIDE / Math.max(width, height);
  canvas.style.width = `${Math.max(24, width * scale)}px`;
  canvas.style.height = `${Math.max(24, height * scale)}px`;
  const image = new ImageData(width, height);
  for (let k = 0; k < width * height; k++) {
    for (let c = 0; c < 3; c++) image.data[4 * k + c] = bytes[k * channels + (channels === 3 ? c : 0)]!;
    image.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
