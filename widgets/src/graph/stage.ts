// The stage on which a graph is looked at: the picture, a camera that pan, zoom, keys and minimap move, and who has
// the focus. What a press means is the owner's business.

import { Minimap } from "./minimap";
import { Picture, type Look } from "./picture";
import { fitted, held, reveal, zoomed, type Camera } from "./viewport";

/** Text of 12.5 px is still 11 px at this zoom; only the reader goes below. */
export const LEGIBLE = 0.88;

export interface Owner {
  /** How to draw now. */
  look(): Look;
  isOpen(item: string): boolean;
  /** An item (or nothing) was clicked, or Enter pressed on it; `head`: on the title of an open box. */
  press(item: string | null, head: boolean, byKey: boolean): void;
  /** A key that the stage doesn't know; true if it meant something. */
  key(key: string): boolean;
  /** Something was drawn, or the pointer went elsewhere: say it in words. */
  say(): void;
  /** The reader moved the camera, or gave it back. */
  moved(): void;
}

export class Stage {
  readonly picture = new Picture();
  readonly element = this.picture.element;
  camera: Camera = { x: 16, y: 16, zoom: 1 };
  /** The reader has moved the camera: from now on nothing else does, without need. */
  touched = false;
  hovered: string | null = null;
  private readonly map: Minimap;
  private readonly resized: ResizeObserver;
  private frame = 0;
  private ready = false;

  constructor(private readonly owner: Owner) {
    this.map = new Minimap(this.element, (x, y) => {
      const { w, h } = this.window();
      this.move({ ...this.camera, x: w / 2 - x * this.camera.zoom, y: h / 2 - y * this.camera.zoom });
    });
    this.pointer();
    this.keys();
    this.resized = new ResizeObserver(() => {
      if (!this.ready || !this.element.clientWidth) return;
      if (this.touched) this.later();
      else {
        this.setHeight();
        this.fit();
      }
    });
    this.resized.observe(this.element);
  }

  stop(): void {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }

  window(): { w: number; h: number } {
    return { w: this.element.clientWidth || 900, h: this.element.clientHeight || 240 };
  }

  // Drawing

  /** Place everything anew; the height follows, unless the reader has moved the camera. */
  arrange(opened: Set<string>): void {
    this.ready = true;
    this.picture.arrange(opened, this.owner.look());
    if (!this.touched) this.setHeight();
  }

  private setHeight(): void {
    const { placed } = this.picture, w = this.element.clientWidth || 900;
    const zoom = Math.max(LEGIBLE, Math.min(1, (w - 32) / Math.max(1, placed.width)));
    this.element.style.height = `${Math.round(Math.min(340, Math.max(110, placed.height * zoom + 36)))}px`;
  }

  draw(): void {
    if (!this.ready) return;
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { w, h } = this.window();
    this.picture.draw(this.camera, this.owner.look(), w, h);
    this.map.draw(this.picture.placed, this.camera, w, h, (item) => this.picture.family(item), !this.touched);
    this.owner.say();
    const first = this.element.querySelector("[data-item][tabindex='0']");
    if (!first) this.focus(this.picture.placed.boxes.keys().next().value ?? null, false);
  }

  private later(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  // The camera

  /** Show all that fits; `byHand`: as small as need be, and the camera is free again. */
  fit(byHand = false): void {
    const { w, h } = this.window(), { placed } = this.picture;
    if (byHand) this.touched = false;
    this.camera = fitted(placed.width, placed.height, w, h, byHand ? 0.04 : LEGIBLE);
    this.draw();
    if (byHand) this.owner.moved();
  }

  zoom(factor: number, x?: number, y?: number): void {
    const { w, h } = this.window();
    this.move(zoomed(this.camera, factor, x ?? w / 2, y ?? h / 2));
  }

  private move(camera: Camera): void {
    const { w, h } = this.window();
    this.camera = held(camera, this.picture.placed.width, this.picture.placed.height, w, h);
    this.touched = true;
    this.later();
    this.owner.moved();
  }

  /** Move as little as needed to see an item; of an open box its title, or the whole. */
  reveal(item: string, whole = false): void {
    const box = this.picture.placed.boxes.get(item), { w, h } = this.window();
    if (box) this.camera = reveal(this.camera, box.open && !whole ? { ...box, w: 40, h: 28 } : box, w, h, whole ? 12 : 24);
  }

  // The pointer

  private pointer(): void {
    const canvas = this.element;
    let drag: { x: number; y: number; camera: Camera; moved: boolean; item: string | null; head: boolean } | null = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target === this.map.element) return;
      drag = { x: event.clientX, y: event.clientY, camera: this.camera, moved: false, item: itemAt(event.target), head: !!(event.target as Element).closest?.(".head, text") };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (drag && event.buttons) {
        const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
        if (!drag.moved && Math.hypot(dx, dy) > 4) {
          drag.moved = true;
          canvas.setPointerCapture(event.pointerId);
          canvas.classList.add("dragging");
        }
        if (drag.moved) this.move({ ...drag.camera, x: drag.camera.x + dx, y: drag.camera.y + dy });
        return;
      }
      const item = itemAt(event.target), hovered = item && !(item[0] !== "n" && this.owner.isOpen(item)) ? item : null;
      if (hovered === this.hovered) return;
      this.hovered = hovered;
      this.owner.say();
    });
    canvas.addEventListener("pointerup", () => {
      canvas.classList.remove("dragging");
      if (drag && !drag.moved) this.owner.press(drag.item, drag.head, false);
      drag = null;
    });
    canvas.addEventListener("pointerleave", () => {
      if (!this.hovered) return;
      this.hovered = null;
      this.owner.say();
    });
    canvas.addEventListener("wheel", (event) => {
      const box = canvas.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY * 0.01), event.clientX - box.left, event.clientY - box.top);
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        event.preventDefault();
        this.move({ ...this.camera, x: this.camera.x - (event.deltaX || event.deltaY) });
      }
    }, { passive: false });
  }

  // The keyboard: one item is in the tab order, arrows walk from it

  private keys(): void {
    const canvas = this.element;
    canvas.addEventListener("focusin", (event) => {
      const item = itemAt(event.target);
      if (!item) return;
      this.focus(item, false);
      if (!(event.target as Element).matches(":focus-visible")) return;
      this.hovered = item;
      this.reveal(item);
      this.later();
    });
    canvas.addEventListener("focusout", () => {
      this.hovered = null;
      this.later();
    });
    canvas.addEventListener("keydown", (event) => {
      if (this.key(event.key, (event.target as Element).getAttribute?.("data-item") ?? null)) event.preventDefault();
    });
  }

  private key(key: string, item: string | null): boolean {
    if (key === "+" || key === "=") this.zoom(1.25);
    else if (key === "-") this.zoom(0.8);
    else if (key === "f" || key === "F") this.fit(true);
    else if (this.owner.key(key)) return true;
    else if (item && (key === "Enter" || key === " ")) this.owner.press(item, true, true);
    else {
      const next = item && this.walk(item, key);
      if (!next) return false;
      this.reveal(next);
      this.draw();
      this.focus(next);
    }
    return true;
  }

  /** Make an item the one in the tab order, and focus it. */
  focus(item: string | null, now = true): void {
    for (const old of this.element.querySelectorAll("[data-item][tabindex='0']")) old.setAttribute("tabindex", "-1");
    if (!item) return;
    const group = this.picture.group(item);
    group?.setAttribute("tabindex", "0");
    if (now) group?.focus({ preventScroll: true });
  }

  /** Where an arrow key leads: along the edges left and right, else to the nearest box above or below. */
  private walk(item: string, key: string): string | null {
    const { boxes, wires } = this.picture.placed, here = boxes.get(item);
    if (!here) return null;
    const middle = (b: { y: number; h: number }) => b.y + b.h / 2;
    if (key === "Home" || key === "End") {
      const all = [...boxes.values()].filter((b) => !b.open).sort((a, b) => a.x - b.x);
      return (key === "Home" ? all[0] : all[all.length - 1])?.item ?? null;
    }
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const right = key === "ArrowRight";
      const linked = wires.filter((w) => (right ? w.source : w.target) === item).map((w) => boxes.get(right ? w.target : w.source)!);
      const near = linked.length ? linked : [...boxes.values()].filter((b) => (right ? b.x > here.x + 1 : b.x + b.w < here.x + here.w - 1));
      const distance = (b: { x: number; y: number; h: number }) => Math.abs(middle(b) - middle(here)) + (linked.length ? 0 : Math.abs(b.x - here.x));
      return near.sort((a, b) => distance(a) - distance(b))[0]?.item ?? null;
    }
    if (key === "ArrowUp" || key === "ArrowDown") {
      const down = key === "ArrowDown";
      const near = [...boxes.values()].filter((b) => b.item !== item && (down ? middle(b) > middle(here) + 1 : middle(b) < middle(here) - 1));
      const distance = (b: { x: number; w: number; y: number; h: number }) => 2 * Math.max(0, Math.abs(b.x + b.w / 2 - here.x - here.w / 2) - (b.w + here.w) / 2) + Math.abs(middle(b) - middle(here));
      return near.sort((a, b) => distance(a) - distance(b))[0]?.item ?? null;
    }
    return null;
  }
}

function itemAt(target: EventTarget | null): string | null {
  return (target as Element | null)?.closest?.("[data-item]")?.getAttribute("data-item") ?? null;
}
