// The transport bar: to the start, back, step, to the end, a slider, play, and where to stop by itself.

import { html, tool } from "../common/dom";
import type { Snapshot } from "../common/model";
import { firstBad } from "./replay";

export class Transport {
  readonly element = html("div", { class: "adl-bar foot", role: "group", "aria-label": "Backward pass, step by step" });
  at = 0;
  /** Nobody has stepped yet: the picture shows the end, and Step begins at the first. */
  private idle = true;
  private snapshot: Snapshot | null = null;
  private readonly slider = html("input", { type: "range", min: 0, max: 0, value: 0, step: 1, "aria-label": "Step of the backward pass" });
  private readonly start: HTMLButtonElement;
  private readonly back: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  private readonly end: HTMLButtonElement;
  private readonly player: HTMLButtonElement;
  private readonly breaks: HTMLButtonElement;
  private readonly bound = html("input", { type: "number", min: 0, step: "any", placeholder: "∞", "aria-label": "Stop where a gradient is larger than", style: "width:68px" });
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly moved: (k: number, note: string) => void) {
    this.start = tool("|◀", () => this.go(0), { "aria-label": "To the start", title: "To the start (Home)" });
    this.back = tool("◀ Back", () => this.go(this.at - 1), { title: "One step back (←)" });
    this.next = tool("Step ▶", () => this.forward(), { class: "go", title: "One step (→)" });
    this.end = tool("▶|", () => this.go(this.count), { "aria-label": "To the end", title: "To the end (End)" });
    this.player = tool("Play", () => (this.timer === undefined ? this.play() : this.pause()), { title: "Step by step by itself (P)" });
    this.breaks = tool("Break on NaN", () => this.toggleBreak(), { "aria-pressed": "false", title: "Run, and stop at the first step whose gradient is NaN, infinite or beyond the bound" });
    const bound = html("label", { class: "adl-what soft", hidden: true }, "or |∂| > ", this.bound);
    this.bound.addEventListener("change", () => this.breaking && this.run());
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.element.append(this.start, this.back, this.next, this.end, this.player, this.slider, html("span", { class: "adl-sub adl-hint" }, "→ one step · ← back · Home / End"), html("span", { class: "adl-grow" }), this.breaks, bound);
    this.element.addEventListener("keydown", (event) => {
      if (event.target === this.bound) return;
      if (this.key(event.key)) event.preventDefault();
    });
  }

  get count(): number {
    return this.snapshot?.steps.length ?? 0;
  }

  get breaking(): boolean {
    return this.breaks.getAttribute("aria-pressed") === "true";
  }

  load(snapshot: Snapshot, at: number | null): void {
    this.snapshot = snapshot;
    this.element.hidden = !this.count;
    this.slider.max = String(this.count);
    this.idle = at === null;
    this.at = Math.min(at ?? this.count, this.count);
    this.mark();
  }

  /** Handle a key of the transport; true if it was one. */
  key(key: string): boolean {
    if (key === "ArrowRight") this.forward();
    else if (key === "ArrowLeft") this.go(this.at - 1);
    else if (key === "Home") this.go(0);
    else if (key === "End") this.go(this.count);
    else if (key !== "p" && key !== "P") return false;
    else if (this.timer === undefined) this.play();
    else this.pause();
    return true;
  }

  go(k: number, note = ""): void {
    this.idle = false;
    this.at = Math.max(0, Math.min(this.count, k));
    this.mark();
    this.moved(this.at, note);
  }

  /** Run forward to the step of `node`; from the end, begin again. */
  runTo(node: number): boolean {
    const steps = this.snapshot!.steps;
    const from = this.at >= this.count ? 0 : this.at;
    let k = steps.findIndex((s, i) => i >= from && s.node === node);
    if (k < 0) k = steps.findIndex((s) => s.node === node || s.accumulations?.some((a) => a.node === node) || s.contributions?.some((c) => this.snapshot!.edges[c.edge]!.source === node));
    if (k < 0) return false;
    this.go(k + 1);
    return true;
  }

  pause(): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    this.player.textContent = "Play";
  }

  private play(): void {
    if (this.at >= this.count) this.go(0);
    this.player.textContent = "Pause";
    const tick = () => {
      this.forward();
      if (this.at >= this.count) this.pause();
      else if (this.timer !== undefined) this.timer = setTimeout(tick, 900);
    };
    this.timer = setTimeout(tick, 500);
  }

  private forward(): void {
    if (this.idle) this.at = 0;
    if (this.breaking && this.snapshot && this.at < this.count && firstBad(this.snapshot, this.at, this.limit) === this.at) {
      this.pause();
      this.go(this.at + 1, "Stopped here: this gradient is NaN, infinite, or beyond the bound.");
    } else this.go(this.at + 1);
  }

  private get limit(): number {
    return Number(this.bound.value) || Infinity;
  }

  private toggleBreak(): void {
    const on = !this.breaking;
    this.breaks.setAttribute("aria-pressed", String(on));
    (this.bound.parentElement as HTMLElement).hidden = !on;
    if (on) this.run();
  }

  private run(): void {
    const from = this.at >= this.count ? 0 : this.at;
    const bad = this.snapshot ? firstBad(this.snapshot, from, this.limit) : undefined;
    if (bad === undefined) this.moved(this.at, `No gradient ${this.bound.value ? `beyond ${this.bound.value}, ` : ""}NaN or infinite in ${from ? "the remaining" : "all"} ${this.count - from} steps.`);
    else this.go(bad + 1, "Stopped here: this gradient is NaN, infinite, or beyond the bound.");
  }

  private mark(): void {
    this.slider.value = String(this.at);
    this.slider.setAttribute("aria-valuetext", `step ${this.at} of ${this.count}`);
    this.start.disabled = this.back.disabled = this.at <= 0;
    this.end.disabled = this.at >= this.count;
    this.next.disabled = this.at >= this.count && !this.idle;
  }
}
