// Pause, one batch, one epoch, stop, rewind, and a slider for every setting of every optimizer.

import { html, tool } from "../common/dom";
import { number } from "../common/format";
import { travelOf, type Travel } from "./math";
import type { Store } from "./store";

export type Wish = { kind: string; setting?: string; value?: number; step?: number };

export class ControlsView {
  readonly root = html("div", { class: "adl-controls", role: "group", "aria-label": "Controls" });
  private readonly pause = tool("❚❚ Pause", () => this.wish({ kind: this.store.head.stage === "paused" ? "resume" : "pause" }), { "data-focus": "pause", "data-testid": "pause" });
  private readonly batch = tool("Batch ▸", () => this.wish({ kind: "batch" }), { "data-focus": "batch", "data-testid": "batch", title: "Run one batch, then pause" });
  private readonly epoch = tool("Epoch ▸▸", () => this.wish({ kind: "epoch" }), { "data-focus": "epoch", "data-testid": "epoch", title: "Run to the end of this epoch, then pause" });
  private readonly stop = tool("Stop ■", () => this.wish({ kind: "stop" }), { "data-focus": "stop", "data-testid": "stop", title: "End the loop after this step" });
  private readonly rewind = tool("↶ Rewind…", () => this.toggleRewind(), { "data-focus": "rewind", "data-testid": "rewind", "aria-expanded": "false" });
  private readonly states = html("div", { class: "adl-rewind", role: "group", "aria-label": "States to go back to" });
  private readonly sliders = html("div", { class: "adl-sliders" });
  private readonly log = html("div", { class: "adl-touches m" });
  private readonly copy = tool("Copy as code", () => void this.copyCode(), { "data-focus": "copy", "data-testid": "copy" });
  private readonly copied = html("span", { class: "soft", role: "status" });
  private readonly code = html("textarea", { class: "adl-code m", readonly: true, rows: 4, hidden: true, "aria-label": "Code that repeats this run" });
  private rows = new Map<string, { range: HTMLInputElement; exact: HTMLInputElement; travel: Travel; held: number }>();
  private key = "";
  private statesKey = "";

  constructor(
    private readonly store: Store,
    private readonly send: (wish: Wish) => void,
  ) {
    this.states.hidden = true;
    for (const button of [this.pause, this.batch, this.epoch, this.stop, this.rewind]) button.hidden = store.saved;
    if (store.saved) this.root.append(html("div", { class: "soft adl-saved" }, "A saved run, with the settings it ended with."));
    this.root.append(
      html("div", { class: "adl-buttons" }, this.pause, this.batch, this.epoch, this.stop, this.rewind),
      this.states, this.sliders, this.log, html("div", { class: "adl-buttons" }, this.copy, this.copied), this.code,
    );
  }

  private wish(wish: Wish): void {
    this.send(wish);
  }

  draw(): void {
    const { head } = this.store;
    const moving = head.stage === "running" || head.stage === "paused";
    const paused = head.stage === "paused";
    const deaf = this.store.live === false;
    setText(this.pause, paused ? "▶ Go on" : "❚❚ Pause");
    this.pause.classList.toggle("go", moving && !deaf);
    for (const button of [this.pause, this.batch, this.stop]) button.disabled = !moving || deaf;
    this.epoch.disabled = !moving || deaf || !head.epochal;
    this.epoch.title = head.epochal ? "Run to the end of this epoch, then pause" : "Known once the batches come from a DataLoader";
    this.rewind.disabled = !head.rewind.length || deaf;
    this.drawStates();
    this.drawSliders();
    const said = this.store.touches.slice(-5).map(([, , text]) => text);
    setText(this.log, said.join("\n"));
    this.log.hidden = !said.length;
    this.copy.hidden = !said.length;
    if (!this.code.hidden && this.code.value !== this.store.code) this.code.value = this.store.code;
  }

  // ---------------------------------------------------------------------------------------------- rewinding

  private toggleRewind(): void {
    this.states.hidden = !this.states.hidden;
    this.rewind.setAttribute("aria-expanded", String(!this.states.hidden));
    this.drawStates();
  }

  private drawStates(): void {
    if (this.states.hidden) return;
    const { rewind } = this.store.head;
    const loss = this.store.shown()[0];
    const key = rewind.join();
    if (key === this.statesKey) return;
    this.statesKey = key;
    this.states.replaceChildren(
      html("span", { class: "soft" }, "Weights, optimizer and random generator go back to"),
      ...rewind.map((step) => {
        const value = loss ? this.store.valueAt(loss, step) : null;
        const label = step === 0 ? "start" : `step ${step}${value === null ? "" : ` (${number(Number(value.toPrecision(2)))})`}`;
        return tool(label, () => {
          this.wish({ kind: "rewind", step });
          this.toggleRewind();
          this.rewind.focus();
        }, { "data-testid": `rewind-${step}` });
      }),
    );
  }

  // ---------------------------------------------------------------------------------------------- sliders

  private drawSliders(): void {
    const { settings } = this.store.head;
    const key = settings.map((setting) => setting[0]).join("|");
    if (key !== this.key) this.buildSliders(key);
    for (const [path, , value] of settings) {
      const row = this.rows.get(path);
      if (!row || performance.now() < row.held) continue; // the reader's hand is on it
      if (document.activeElement !== row.exact) setValue(row.exact, number(value));
      if (document.activeElement !== row.range || Math.abs(row.travel.toValue(Number(row.range.value) / 1000) - value) > 1e-12 * Math.abs(value)) {
        setValue(row.range, String(Math.round(1000 * row.travel.toTravel(value))));
      }
      row.range.setAttribute("aria-valuetext", number(value));
    }
  }

  private buildSliders(key: string): void {
    this.key = key;
    this.rows.clear();
    const parts: HTMLElement[] = [];
    let place = "";
    const { settings } = this.store.head;
    const several = new Set(settings.map((setting) => `${setting[0].match(/^\d+\.\d+\./)?.[0] ?? ""}`)).size > 1;
    // What learners turn first stands first; the rest is one click away.
    let rest: HTMLElement | null = null;
    const more: [at: number, details: HTMLElement][] = [];
    for (const [path, label, value, optimizer, group] of settings) {
      const here = `${path.match(/^\d+\.\d+\./)?.[0] ?? ""}`;
      if (!parts.length || here !== place) {
        place = here;
        if (rest && more.length) more[more.length - 1]![0] = parts.length;
        rest = null;
        if (several) parts.push(html("div", { class: "adl-optimizer" }, [optimizer, group].filter(Boolean).join(", ")));
      }
      const row = this.slider(path, label, value, optimizer, group);
      if (/lr$|momentum$|decay$|betas\[/.test(path)) parts.push(row);
      else {
        if (!rest) {
          rest = html("div", { class: "adl-rest" });
          more.push([parts.length, html("details", {}, html("summary", {}, "More settings"), rest)]);
        }
        rest.append(row);
      }
      if (rest) more[more.length - 1]![0] = parts.length;
    }
    for (const [at, details] of more.reverse()) parts.splice(at, 0, details);
    this.sliders.replaceChildren(...parts);
  }

  private slider(path: string, label: string, value: number, optimizer: string, group: string): HTMLElement {
    const travel = travelOf(path, value);
    const name = [label, optimizer, group].filter(Boolean).join(", ");
    const range = html("input", { type: "range", min: 0, max: 1000, step: 1, "aria-label": name, "data-focus": `r:${path}`, "data-testid": `slider-${path}` });
    const exact = html("input", { type: "text", inputmode: "decimal", class: "adl-exact m", "aria-label": `${name}, exact value`, "data-focus": `e:${path}`, "data-testid": `exact-${path}`, autocomplete: "off", spellcheck: "false" });
    range.disabled = exact.disabled = this.store.saved;
    const row = { range, exact, travel, held: 0 };
    this.rows.set(path, row);
    const put = (chosen: number) => {
      row.held = performance.now() + 700;
      range.setAttribute("aria-valuetext", number(chosen));
      this.wish({ kind: "set", setting: path, value: chosen });
    };
    range.addEventListener("input", () => {
      const chosen = travel.toValue(Number(range.value) / 1000);
      exact.value = number(chosen);
      put(chosen);
    });
    const enter = () => {
      const chosen = Number(exact.value.replace(",", "."));
      const valid = exact.value.trim() !== "" && Number.isFinite(chosen);
      exact.setAttribute("aria-invalid", String(!valid));
      if (!valid) return;
      range.value = String(Math.round(1000 * travel.toTravel(chosen)));
      put(chosen);
    };
    exact.addEventListener("change", enter);
    return html("div", { class: "adl-slider" }, html("span", { class: "soft", "aria-hidden": "true" }, label), range, exact);
  }

  // ---------------------------------------------------------------------------------------------- code

  private async copyCode(): Promise<void> {
    this.code.hidden = false;
    this.code.value = this.store.code;
    this.code.rows = Math.min(12, this.store.code.split("\n").length + 1);
    try {
      await navigator.clipboard.writeText(this.store.code);
      this.copied.textContent = "copied";
    } catch {
      this.code.select();
      this.copied.textContent = "select and copy";
    }
  }
}

export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function setValue(input: HTMLInputElement, value: string): void {
  if (input.value !== value) input.value = value;
}
