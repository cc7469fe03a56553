// The dashboard: curves, flow, field and controls of one run, while it goes on and for ever after.

import "uplot/dist/uPlot.min.css";
import "../common/index.css";
import "./dashboard.css";
import type { AnyModel } from "@anywidget/types";
import { contain, failure, html, tool } from "../common/dom";
import { count, number } from "../common/format";
import { followTheme } from "../common/theme";
import { ControlsView, setText, type Wish } from "./controls";
import { CurvesView } from "./curves";
import { FieldView } from "./field";
import { FlowView } from "./flow";
import { Palette } from "./palette";
import { ImagesView } from "./images";
import { Store } from "./store";

interface Traits {
  key: string;
  snapshot: DataView;
}

interface Known {
  key: string;
  store: Store;
  views: Set<View>;
  waiting: Map<number, number>;
}

// One entry for each model: anywidget hands `initialize` and `render` different objects for the same one.
const known = new Map<string, Known>();
let wishes = 0;

function knownOf(model: AnyModel<Traits>): Known {
  const key = model.get("key");
  let entry = known.get(key);
  if (!entry) known.set(key, (entry = { key, store: new Store(), views: new Set(), waiting: new Map() }));
  return entry;
}

function initialize({ model }: { model: AnyModel<Traits> }): () => void {
  const entry = knownOf(model);
  const { store } = entry;
  const redraw = () => entry.views.forEach((view) => view.schedule());
  const full = () => model.send({ t: "full" });
  store.apply(model.get("snapshot"));
  const onSnapshot = () => {
    if (!store.apply(model.get("snapshot"))) full();
    redraw();
  };
  const onMessage = (message: { t: string; id?: number; live?: boolean; text?: string }, buffers: DataView[]) => {
    if (message.t === "d") {
      if (!store.apply(buffers[0])) full();
    } else if (message.t === "ack") {
      if (message.live || !moving(store)) {
        store.live = true;
        if (store.trouble === DEAF) store.trouble = "";
      }
      if (message.id !== undefined) {
        clearTimeout(entry.waiting.get(message.id));
        entry.waiting.delete(message.id);
      }
    } else if (message.t === "error") {
      store.trouble = message.text ?? "";
    }
    redraw();
  };
  model.on("change:snapshot", onSnapshot);
  model.on("msg:custom", onMessage);
  hello(model, entry);
  return () => {
    model.off("change:snapshot", onSnapshot);
    model.off("msg:custom", onMessage);
    known.delete(model.get("key"));
  };
}

const DEAF = "Here clicks reach Python only when the cell has ended. To end it now, interrupt the kernel: model and optimizer stay consistent.";

function moving(store: Store): boolean {
  return store.head.stage === "running" || store.head.stage === "paused";
}

/** Ask the kernel to answer. While a cell runs and no answer comes, say so, and go on asking, ever more rarely. */
function hello(model: AnyModel<Traits>, entry: Known, patience = 1200): void {
  const id = ++wishes;
  expectAnswer(entry, id, patience, () => hello(model, entry, Math.min(30_000, 2 * patience)));
  model.send({ t: "hello", id });
}

function expectAnswer(entry: Known, id: number, patience: number, again: () => void = () => {}): void {
  const { store } = entry;
  const timer = window.setTimeout(() => {
    entry.waiting.delete(id);
    if (!moving(store) || store.live === true) return;
    if (patience > 2000) {
      store.live = false;
      store.trouble = DEAF;
    }
    entry.views.forEach((view) => view.schedule());
    if (known.get(entry.key) === entry) again();
  }, patience);
  entry.waiting.set(id, timer);
}

class View {
  private readonly panel = html("div", { class: "adl-panel adl-dash", role: "group", "aria-label": "Training dashboard" });
  private readonly title = html("span", { class: "adl-title" });
  private readonly facts = html("span", { class: "adl-sub", "data-testid": "facts" });
  private readonly sentence = html("span", { "data-testid": "say" });
  private readonly why = html("button", { type: "button", class: "adl-why", "data-focus": "why", "data-testid": "why", "aria-expanded": "false", title: "Ask the doctor for the likeliest causes" }, "Why?");
  private readonly say = html("div", { class: "adl-say" }, this.sentence, " ", this.why);
  private readonly causes = html("div", { class: "adl-causes", role: "region", "aria-label": "What the doctor found", "data-testid": "causes" });
  private readonly heard = html("div", { class: "adl-heard", role: "status" });
  private readonly picture = html("div", { class: "adl-picture" });
  private readonly two = html("div", { class: "adl-two" });
  private readonly scrub = html("input", { type: "range", min: 0, max: 1, step: 1, value: 1, class: "adl-scrub", "aria-label": "Time", "data-focus": "scrub", "data-testid": "scrub" });
  private readonly now = tool("Now", () => this.setScrub(null), { "data-focus": "now" });
  private readonly fit = tool("All steps", () => this.setZoom(null), { "data-focus": "fit" });
  private readonly smooth = html("input", { type: "range", min: 0, max: 99, step: 1, "aria-label": "Smoothing", "data-focus": "smooth" });
  private readonly log = tool("Log", () => this.change((ui) => (ui.log = !this.curves.isLog)), { "data-focus": "log", "data-testid": "log" });
  private readonly epochs = tool("By epoch", () => this.change((ui) => (ui.byEpoch = !ui.byEpoch)), { "data-focus": "epochs" });
  private readonly rate = tool("Rate", () => this.change((ui) => (ui.rate = !this.curves.showRates())), { "data-focus": "rate", title: "Learning rate, on an axis of its own" });
  private readonly compare = tool("Compare", () => this.change((ui) => (ui.compare = !ui.compare)), { "data-focus": "compare" });
  private readonly palette: Palette;
  private readonly curves: CurvesView;
  private readonly flow: FlowView;
  private readonly field: FieldView;
  private readonly images: ImagesView;
  private readonly controls: ControlsView;
  private frame = 0;
  private readonly sizes: ResizeObserver;
  private spoken = "";
  private causesKey = "";

  constructor(
    private readonly root: HTMLElement,
    private readonly send: (message: object) => void,
    private readonly entry: Known,
  ) {
    const { store } = entry;
    this.palette = new Palette(root);
    this.curves = new CurvesView(store, this.palette);
    this.flow = new FlowView(store, this.palette);
    this.field = new FieldView(store, this.palette);
    this.images = new ImagesView(store);
    this.controls = new ControlsView(store, (wish) => this.wish(wish));
    this.why.addEventListener("click", () => this.askWhy(!store.ui.why));
    this.flow.onWord = () => this.askWhy(true);
    this.curves.onZoom = this.flow.onChange = () => this.everyView();
    this.smooth.value = String(100 * store.ui.smooth);
    this.smooth.addEventListener("input", () => this.change((ui) => (ui.smooth = Number(this.smooth.value) / 100)));
    this.scrub.addEventListener("input", () => this.setScrub(Number(this.scrub.value) >= store.head.step ? null : Number(this.scrub.value)));
    const smoothing = html("label", { class: "adl-smooth soft" }, "Smooth", this.smooth);
    const side = html("div", { class: "adl-side" }, this.controls.root);
    this.picture.append(this.curves.root, this.flow.root, this.images.root);
    this.two.append(this.picture, this.field.root, side);
    this.panel.append(
      html("div", { class: "adl-bar" }, this.title, this.facts, html("span", { class: "adl-grow" }), smoothing, this.log, this.epochs, this.rate, this.compare),
      this.two,
      this.say,
      this.causes,
      html("div", { class: "adl-bar foot" }, html("span", { class: "soft", "aria-hidden": "true" }, "Time"), this.scrub, this.now, this.fit),
      this.heard,
    );
    root.append(this.panel);
    contain(root);
    root.addEventListener("focusin", (event) => (store.ui.focus = (event.target as HTMLElement).dataset["focus"] ?? null));
    this.sizes = new ResizeObserver(() => this.schedule());
    this.sizes.observe(this.picture);
    this.draw();
    // A view that replaces another (the cell ended) takes over where the reader's hand was.
    const held = store.ui.focus;
    if (held && (document.activeElement === document.body || document.activeElement?.contains(root))) {
      root.querySelector<HTMLElement>(`[data-focus="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
    }
  }

  schedule(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  restyle(): void {
    this.curves.restyle();
    this.schedule();
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.sizes.disconnect();
    this.curves.destroy();
  }

  private everyView(): void {
    this.entry.views.forEach((view) => view.schedule());
  }

  private change(action: (ui: Store["ui"]) => void): void {
    action(this.entry.store.ui);
    this.everyView();
  }

  private setScrub(step: number | null): void {
    this.change((ui) => (ui.scrub = step));
  }

  private setZoom(zoom: [number, number] | null): void {
    this.change((ui) => (ui.zoom = zoom));
  }

  private wish(wish: Wish): void {
    const id = ++wishes;
    expectAnswer(this.entry, id, 2400);
    this.send({ t: "wish", id, ...wish });
  }

  /** The doctor answers between two steps; its answer comes with the next message. */
  private askWhy(open: boolean): void {
    this.change((ui) => (ui.why = open));
    if (open) this.send({ t: "why" });
  }

  private draw(): void {
    this.frame = 0;
    const { store } = this.entry;
    const { head, ui } = store;
    if (!this.picture.isConnected || this.picture.clientWidth === 0) return;
    this.palette.fresh();
    setText(this.title, head.title);
    setText(this.facts, facts(store));
    this.panel.dataset["stage"] = head.stage;
    this.panel.dataset["step"] = String(head.step);
    press(this.log, this.curves.isLog);
    press(this.epochs, ui.byEpoch);
    press(this.rate, this.curves.showRates());
    press(this.compare, ui.compare);
    this.epochs.hidden = ![...store.curves.values()].some((curve) => curve.kind === "epoch" && curve.x.length > 1);
    this.rate.hidden = !store.rates().length;
    this.compare.hidden = !store.others.length;
    this.controls.draw();

    const width = this.picture.clientWidth;
    const narrow = width < 480;
    this.two.classList.toggle("with-field", !!store.field?.frames.length);
    const left = narrow ? 76 : Math.min(150, Math.max(62, 26 + 6.7 * longest(store.flow.names)));
    const right = narrow && !Object.keys(head.verdicts).length ? 84 : 130; // a verdict is never cut off
    this.curves.draw(width, narrow ? 150 : 176, left, right);
    this.flow.draw(width, left, right, this.curves.range());
    this.images.draw();
    this.field.draw(Math.min(216, width - 24));

    this.scrub.max = String(Math.max(1, head.step));
    this.scrub.value = String(ui.scrub ?? head.step);
    const at = ui.scrub ?? head.step;
    this.scrub.setAttribute("aria-valuetext", this.curves.readAt(at));
    this.now.disabled = ui.scrub === null;
    this.fit.hidden = ui.zoom === null;
    this.drawSentence();
  }

  /** What is seen, in words; spoken when it changes and not at every step. */
  private drawSentence(): void {
    const { store } = this.entry;
    const { head } = store;
    const parts: string[] = [];
    if (store.trouble) parts.push(store.trouble);
    parts.push(...head.notes.slice(0, 2));
    if (!parts.length) parts.push(calmSentence(store));
    if (head.thinned) parts.push(head.thinned);
    setText(this.sentence, parts.join(" "));
    this.drawCauses();
    const stage = { running: "Training.", paused: `Paused at step ${head.step}.`, idle: "The cell has ended.", stopped: `Stopped at step ${head.step}.`, interrupted: "Interrupted.", failed: "Ended by an error." }[head.stage];
    const spoken = [stage, ...(store.trouble ? [store.trouble] : head.notes.slice(0, 1))].join(" ");
    if (spoken !== this.spoken) this.heard.textContent = this.spoken = spoken;
  }

  /** What the doctor found, under the sentence that made the reader ask. */
  private drawCauses(): void {
    const { store } = this.entry;
    const { head, ui } = store;
    this.why.hidden = store.saved ? !head.why.length : !head.notes.length && !ui.why && !store.stands();
    this.why.setAttribute("aria-expanded", String(ui.why));
    this.causes.hidden = !ui.why;
    const key = ui.why ? JSON.stringify(head.why) : "";
    if (key === this.causesKey) return;
    this.causesKey = key;
    this.causes.replaceChildren(head.why.length ? html("ul", {}, ...head.why.map(causeOf)) : html("span", { class: "soft" }, "The doctor looks at the next step …"));
  }
}

/** One cause in words, the learner's line, and what to try. */
function causeOf({ words, where, cure }: { words: string; where: string; cure: string }): HTMLElement {
  return html("li", {}, words, ...(where ? [html("div", { class: "m adl-where" }, where)] : []), html("div", { class: "soft" }, `Try: ${cure}`));
}

function facts(store: Store): string {
  const { head } = store;
  const parts: string[] = [];
  if (head.epoch) parts.push(`epoch ${head.epoch}${head.epochs ? ` of ${head.epochs}` : ""}`);
  parts.push(head.step ? `step ${head.step.toLocaleString("en")}` : "waiting for the first step");
  if (head.ms && head.stage === "running") parts.push(`${number(Number(head.ms.toPrecision(2)))} ms a step`);
  const stage = { running: "", paused: "paused", idle: "", stopped: "stopped by you", interrupted: "interrupted", failed: "ended by an error" }[head.stage];
  if (stage) parts.push(stage);
  return parts.join(" · ");
}

function calmSentence(store: Store): string {
  const loss = store.shown()[0];
  if (!loss) return "The curves begin with the first optimizer step.";
  const first = loss.y.data[0]!;
  const last = loss.y.data[loss.y.length - 1]!;
  const way = last < first ? "fell" : "rose";
  const best = loss.best && loss.best[0] !== store.head.step ? `; its lowest value was ${number(loss.best[1])} at step ${loss.best[0].toLocaleString("en")}` : "";
  if (loss.x.length === 1) return `${loss.name} is ${number(last)}.`;
  if (last === first) return `${loss.name} began with ${number(first)} and is there again after ${count(store.head.step, "step")}${best}.`;
  if (Number.isNaN(last)) return `${loss.name} began with ${number(first)} and is NaN after ${count(store.head.step, "step")}${best}.`;
  return `${loss.name} ${way} from ${number(first)} to ${number(last)} in ${count(store.head.step, "step")}${best}.`;
}

function longest(names: string[]): number {
  return names.reduce((most, name) => Math.max(most, name.length), 0);
}

function press(button: HTMLButtonElement, on: boolean): void {
  button.setAttribute("aria-pressed", String(on));
}

function render({ model, el }: { model: AnyModel<Traits>; el: HTMLElement }): () => void {
  const root = html("div");
  el.append(root);
  const entry = knownOf(model);
  let view: View | null = null;
  const stop = followTheme(root, () => view?.restyle());
  try {
    view = new View(root, (message) => model.send(message), entry);
    entry.views.add(view);
    if (entry.store.live === null && moving(entry.store)) hello(model, entry);
  } catch (error) {
    failure(root, "The dashboard", error);
  }
  return () => {
    stop();
    if (view) {
      entry.views.delete(view);
      view.destroy();
    }
  };
}

/** In a saved file: every `<script type="application/json" data-autodiff-lab="dashboard">` holds a run, to be looked at. */
function mountSaved(): void {
  for (const data of document.querySelectorAll<HTMLScriptElement>('script[data-autodiff-lab="dashboard"]')) {
    if (data.dataset["mounted"]) continue;
    data.dataset["mounted"] = "yes";
    const root = html("div");
    const still = data.previousElementSibling;
    if (still?.hasAttribute("data-still")) still.replaceWith(root);
    else data.before(root);
    try {
      const store = new Store();
      store.saved = true;
      store.apply(Uint8Array.from(atob(data.textContent ?? ""), (letter) => letter.charCodeAt(0)).buffer);
      const entry: Known = { key: "", store, views: new Set(), waiting: new Map() };
      let view: View | null = null;
      followTheme(root, () => view?.restyle());
      view = new View(root, () => {}, entry);
      entry.views.add(view);
    } catch (error) {
      failure(root, "The run", error);
    }
  }
}

mountSaved();

export default { initialize, render };
