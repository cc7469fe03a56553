// The whole picture, small, with the part that the window shows; drag it to travel.

import { tokenValue } from "../common/tokens";
import type { Picture } from "./place";
import type { Camera } from "./viewport";

const W = 150, H = 74, MARGIN = 8;

export class Minimap {
  readonly element: HTMLCanvasElement;
  private scale = 1;

  constructor(root: HTMLElement, travel: (worldX: number, worldY: number) => void) {
    this.element = document.createElement("canvas");
    this.element.className = "adl-minimap";
    this.element.setAttribute("aria-hidden", "true");
    root.append(this.element);
    const go = (event: PointerEvent) => {
      const box = this.element.getBoundingClientRect();
      travel((event.clientX - box.left) / this.scale, (event.clientY - box.top) / this.scale);
    };
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      go(event);
      event.stopPropagation();
    });
    this.element.addEventListener("pointermove", (event) => event.buttons && go(event));
  }

  /** Draw; hidden while everything is in the window anyway. `settle`: in whichever corner it covers no card. */
  draw(picture: Picture, camera: Camera, w: number, h: number, families: (item: string) => string, settle: boolean): void {
    const all = picture.width * camera.zoom <= w + 1 && picture.height * camera.zoom <= h + 1;
    this.element.hidden = all || w < 420;
    if (this.element.hidden) return;
    this.scale = Math.min(W / picture.width, H / picture.height);
    const cw = Math.max(24, picture.width * this.scale), ch = Math.max(10, picture.height * this.scale);
    if (settle) this.settle(picture, camera, w, h, cw, ch);
    const ratio = window.devicePixelRatio || 1;
    this.element.width = cw * ratio;
    this.element.height = ch * ratio;
    this.element.style.width = `${cw}px`;
    this.element.style.height = `${ch}px`;
    const g = this.element.getContext("2d");
    if (!g) return;
    g.scale(ratio, ratio);
    const cache = new Map<string, string>();
    for (const box of picture.boxes.values()) {
      const token = families(box.item);
      let fill = cache.get(token);
      if (fill === undefined) cache.set(token, (fill = tokenValue(this.element, token)));
      g.globalAlpha = box.open ? 0.12 : 0.75;
      g.fillStyle = fill;
      g.fillRect(box.x * this.scale, box.y * this.scale, Math.max(1, box.w * this.scale), Math.max(1, box.h * this.scale));
    }
    g.globalAlpha = 1;
    g.strokeStyle = tokenValue(this.element, "accent");
    g.lineWidth = 1.5;
    g.strokeRect(-camera.x / camera.zoom * this.scale, -camera.y / camera.zoom * this.scale, (w / camera.zoom) * this.scale, (h / camera.zoom) * this.scale);
  }

  private settle(picture: Picture, camera: Camera, w: number, h: number, cw: number, ch: number): void {
    const cards = [...picture.boxes.values()].filter((box) => !box.open).map((box) => {
      const x = box.x * camera.zoom + camera.x, y = box.y * camera.zoom + camera.y;
      return { left: x, right: x + box.w * camera.zoom, top: y, bottom: y + box.h * camera.zoom };
    });
    const covers = ([right, below]: [boolean, boolean]) => {
      const x = right ? w - cw - MARGIN : MARGIN, y = below ? h - ch - MARGIN : MARGIN;
      return cards.filter((c) => c.left < x + cw && c.right > x && c.top < y + ch && c.bottom > y).length;
    };
    const corners: [boolean, boolean][] = [[true, true], [false, true], [true, false], [false, false]];
    const [right, below] = corners.reduce((best, corner) => (covers(corner) < covers(best) ? corner : best));
    Object.assign(this.element.style, { left: right ? "auto" : `${MARGIN}px`, right: right ? `${MARGIN}px` : "auto", top: below ? "auto" : `${MARGIN}px`, bottom: below ? `${MARGIN}px` : "auto" });
  }
}
