// The Graph panel: title and tools, the picture, the source line, the sentence, the transport bar. Holds what the
// reader did (folds, camera, selection, step) and nothing of the computation itself.

import { contain, failure, html, tool } from "../common/dom";
import { count, shorten } from "../common/format";
import { parsePayload, type NodeInfo, type Payload, type Plan, type Snapshot } from "../common/model";
import { followTheme } from "../common/theme";
import { FAMILIES, type Family } from "../common/tokens";
import { facts, labelOf, stepSentence, summarySentence, titleOf } from "../common/words";
import { stateAt } from "../step/replay";
import { Transport } from "../step/transport";
import { detail } from "./detail";
import { listing, sourceLine } from "./code";
import { dot, png, save, standalone } from "./download";
import { Minimap } from "./minimap";
import { Picture, type Look } from "./picture";
import { find } from "./search";
import { fitted, held, reveal, zoomed, type Camera } from "./viewport";
import { WhatIf } from "./whatif";

/** What a view remembers; it travels with the widget's model, so that a view drawn anew is the same. */
export interface Memory {
  open?: string[]; camera?: Camera; touched?: boolean; values?: boolean; grads?: boolean; selected?: string; step?: number; code?: boolean; legend?: boolean; key?: string;
}

export interface Host {
  remember(memory: Memory): void;
  /** Ask the kernel; undefined where there is none. */
  send?: ((message: Record<string, unknown>) => void) | undefined;
}

/** Text of 12.5 px is still 11 px at this zoom; only the reader goes below. */
const LEGIBLE = 0.88;

export class GraphPanel {
  private snapshot!: Snapshot;
  private plan!: Plan;
  private shown!: Snapshot;
  private opened = new Set<string>();
  private camera: Camera = { x: 16, y: 16, zoom: 1 };
  private selected: string | null = null;
  private hovered: string | null = null;
  private marked: string[] = [];
  private hits: string[] = [];
  private hit = 0;
  private note = "";
  private step: number | null = null;
  private flows: Look["flows"] = null;
  private memory: Memory;
  private readonly title = html("span", { class: "adl-title" });
  private readonly sub = html("span", { class: "adl-sub" });
  private readonly source = html("div", { class: "adl-src", role: "note", "aria-label": "Source line", tabindex: 0 });
  private readonly sentence = html("div", { class: "adl-say" });
  private readonly heard = html("div", { class: "adl-heard", "aria-live": "polite" });
  private readonly legend = html("div", { class: "adl-legend" });
  private readonly details = html("div", { class: "adl-detail", hidden: true, tabindex: 0, role: "group", "aria-label": "Details of the selected node" });
  private codeBox: HTMLElement | null = null;
  private readonly picture = new Picture();
  private readonly transport: Transport;
  private readonly whatIf: WhatIf;
  private readonly map: Minimap;
  private readonly input = html("input", { type: "search", placeholder: "name, operator, shape", "aria-label": "Search the graph" });
  private readonly searchBox: HTMLElement;
  private readonly tools: Record<string, HTMLButtonElement>;
  private menu: HTMLElement | null = null;
  private frame = 0;
  private readonly stops: (() => void)[] = [];

  constructor(private readonly root: HTMLElement, private readonly host: Host, memory: Memory = {}) {
    this.memory = { ...memory };
    this.stops.push(followTheme(root, () => (this.picture.forget(), this.redraw())));
    contain(root);
    this.transport = new Transport((k, note) => this.stepTo(k, note));
    this.whatIf = new WhatIf(host);
    this.map = new Minimap(this.picture.element, (x, y) => {
      const { w, h } = this.window();
      this.move({ ...this.camera, x: w / 2 - x * this.camera.zoom, y: h / 2 - y * this.camera.zoom });
    });
    this.tools = {
      search: tool("Search /", () => this.toggleSearch(), { "aria-expanded": "false" }),
      values: tool("Values", () => this.toggle("values"), { "aria-pressed": "true" }),
      grads: tool("Gradients", () => this.toggle("grads"), { "aria-pressed": "false" }),
      code: tool("Code", () => this.toggleCode(), { "aria-pressed": "false" }),
      fold: tool("Fold all", () => this.foldAll()),
      fit: tool("Fit", () => this.fit(true)),
      more: tool("⋯", () => this.toggleMenu(), { "aria-label": "Export and settings", "aria-haspopup": "menu", "aria-expanded": "false" }),
    };
    this.searchBox = html("span", { class: "adl-search", hidden: true }, this.input, tool("Next", () => this.nextHit(1), { "aria-label": "Next hit" }));
    const t = this.tools;
    root.replaceChildren(html("div", { class: "adl-panel", role: "group", "aria-label": "Computation graph" },
      html("div", { class: "adl-bar" }, this.title, this.sub, html("span", { class: "adl-grow" }), t["search"]!, this.searchBox, t["values"]!, t["grads"]!, t["code"]!, t["fold"]!, t["fit"]!, t["more"]!),
      this.picture.element, this.source, this.sentence, this.details, this.whatIf.element, this.transport.element, this.legend, this.heard));
    this.listen();
  }

  /** Show a payload: the first one, or what a cell that ran again made. */
  load(text: string): void {
    let payload: Payload;
    try {
      payload = parsePayload(text);
    } catch (error) {
      failure(this.root, "The graph", error);
      return;
    }
    const before = this.snapshot as Snapshot | undefined, same = before?.key === payload.snapshot.key;
    const paths = before && !same ? this.openPaths() : this.memory.open;
    this.snapshot = this.shown = payload.snapshot;
    this.plan = payload.plan;
    this.picture.load(this.snapshot, this.plan);
    if (!same) {
      this.opened = paths ? this.fromPaths(paths) : new Set(this.plan.open);
      this.selected = this.memory.selected && this.picture.parents.has(this.memory.selected) ? this.memory.selected : null;
      this.hits = this.marked = [];
    }
    const ran = this.snapshot.backward !== "none";
    this.press("values", this.memory.values ?? true);
    this.press("grads", this.memory.grads ?? ran);
    this.step = same && this.step !== null ? Math.min(this.step, this.snapshot.steps.length) : this.memory.key === this.snapshot.key && this.memory.step !== undefined ? this.memory.step : null;
    this.transport.load(this.snapshot, this.step);
    this.note = "";
    this.applyStep();
    this.whatIf.load(this.snapshot);
    this.showDetails();
    const boxes = this.snapshot.scopes.length > 0;
    this.tools["fold"]!.hidden = !boxes;
    this.tools["code"]!.hidden = !this.snapshot.code.length;
    this.title.textContent = shorten(titleOf(this.snapshot), 60);
    this.drawLegend();
    if (this.codeBox || this.memory.code) this.toggleCode(true);
    this.arrange();
    if (this.memory.camera && this.memory.touched) this.camera = this.memory.camera;
    else if (!same) this.fit();
    this.redraw();
  }

  /** The kernel could not answer: say so beside the sentence. */
  refused(text: string): void {
    this.whatIf.failed();
    this.note = text;
    this.redraw();
  }

  stop(): void {
    this.transport.pause();
    for (const stop of this.stops) stop();
    cancelAnimationFrame(this.frame);
  }

  // What the reader did, kept by paths rather than numbers: a graph that grew keeps its folds.

  private openPaths(): string[] {
    return [...this.opened].map((item) => this.pathOf(item));
  }

  private pathOf(item: string): string {
    const members = this.plan.stacks[item], scope = this.snapshot.scopes[Number((members?.[0] ?? item).slice(1))]!;
    return `${item[0]} ${scope.path} ${scope.call ?? 1}`;
  }

  private fromPaths(paths: string[]): Set<string> {
    const wanted = new Set(paths), found = new Set<string>();
    for (const item of this.picture.parents.keys()) if (item[0] !== "n" && wanted.has(this.pathOf(item))) found.add(item);
    return found;
  }

  private remember(change: Memory = {}): void {
    this.memory = { ...this.memory, open: this.openPaths(), camera: this.camera, key: this.snapshot.key, ...change };
    this.host.remember(this.memory);
  }

  private look(): Look {
    let lit: Set<string> | null = null;
    if (this.marked.length) lit = new Set(this.marked);
    else if (this.selected && this.step === null && this.snapshot.nodes.length > 12) lit = this.neighbours(this.selected);
    const focus = this.step !== null && this.flowNode !== null ? this.visible(`n${this.flowNode}`) : this.selected ? this.visible(this.selected) : null;
    return { values: this.pressed("values"), grads: this.pressed("grads"), lit, focus, flows: this.flows, hits: new Set(this.hits.map((item) => this.visible(item))) };
  }

  private flowNode: number | null = null;

  private neighbours(item: string): Set<string> {
    const own = new Set(item[0] === "n" ? [Number(item.slice(1))] : this.picture.inside(item));
    const lit = new Set([item, ...[...own].map((i) => `n${i}`)]);
    for (const edge of this.snapshot.edges) {
      if (own.has(edge.source)) lit.add(`n${edge.target}`);
      if (own.has(edge.target)) lit.add(`n${edge.source}`);
    }
    return lit;
  }

  /** The visible item that stands for an item. */
  private visible(item: string): string {
    const chain: string[] = [];
    for (let at = item; at !== "r"; at = this.picture.parents.get(at)!) chain.unshift(at);
    return chain.find((at, i) => i === chain.length - 1 || !this.opened.has(at))!;
  }

  private window(): { w: number; h: number } {
    return { w: this.picture.element.clientWidth || 900, h: this.picture.element.clientHeight || 240 };
  }

  private arrange(): void {
    this.picture.arrange(this.opened, this.look());
    if (!this.memory.touched) this.setHeight();
  }

  private setHeight(): void {
    const { placed } = this.picture, w = this.picture.element.clientWidth || 900;
    const zoom = Math.max(LEGIBLE, Math.min(1, (w - 32) / Math.max(1, placed.width)));
    this.picture.element.style.height = `${Math.round(Math.min(340, Math.max(110, placed.height * zoom + 36)))}px`;
  }

  private redraw(): void {
    if (!this.snapshot) return;
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.draw();
  }

  private later(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => ((this.frame = 0), this.draw()));
  }

  private draw(): void {
    const { w, h } = this.window();
    this.picture.draw(this.camera, this.look(), w, h);
    this.map.draw(this.shown, this.picture.placed, this.camera, w, h, (item) => this.picture.family(item));
    this.say();
    const first = this.picture.element.querySelector<SVGGElement>("[data-item][tabindex='0']");
    if (!first) this.roving(this.selected ?? this.picture.placed.boxes.keys().next().value ?? null, false);
  }

  private say(): void {
    const item = this.hovered ?? (this.step === null ? this.selected : null);
    const { snapshot, shown } = this, parts: (Node | string)[] = [];
    let about: number | null = null;
    if (this.step !== null && !this.hovered) {
      about = this.flowNode;
      const text = this.step === 0 ? `Before step 1 of ${snapshot.steps.length}. Nothing has flowed back yet; the pass begins at ${titleOf(snapshot)} with gradient 1.` : stepSentence(snapshot, this.step);
      parts.push(...withNumbers(text));
    } else if (item) {
      parts.push(...withNumbers(this.picture.say(item)));
      if (item[0] === "n") about = Number(item.slice(1));
      else parts.push(html("span", { class: "soft" }, this.opened.has(item) ? " Enter folds it." : " Enter opens it."));
    } else if (this.marked.length) parts.push(`${count(this.marked.length, "node")} made by this line: ${this.marked.slice(0, 8).map((m) => labelOf(shown.nodes[Number(m.slice(1))]!)).join(", ")}${this.marked.length > 8 ? ", …" : ""}.`);
    else parts.push(...withNumbers(summarySentence(snapshot)));
    if (this.note) parts.push(" ", html("span", { class: "soft" }, this.note));
    this.sentence.replaceChildren(...parts);
    if (about === null && snapshot.roots.length && !item) about = snapshot.roots[0]!;
    this.source.hidden = !snapshot.code.length;
    this.source.replaceChildren(...(about === null ? [this.picture.label_of(item!)] : sourceLine(snapshot, snapshot.nodes[about]!)));
    const n = snapshot.steps.length, cell = snapshot.cell !== undefined ? `${snapshot.code[snapshot.cell]!.label} · ` : "";
    const shownBoxes = snapshot.nodes.length > 30 ? ` · ${count(this.picture.placed.boxes.size, "box").replace("boxs", "boxes")} shown` : "";
    this.sub.textContent = cell + (this.step !== null ? facts(snapshot).replace(/backward ran.*/, `backward: step ${this.step} of ${n}`) : facts(snapshot)) + shownBoxes;
  }

  private tell(text: string): void {
    this.heard.textContent = text;
  }

  // Steps

  private stepTo(k: number, note: string): void {
    this.step = k;
    this.note = note;
    if (!this.pressed("grads")) {
      this.press("grads", true);
      this.applyStep();
      this.arrange();
    }
    this.marked = [];
    this.applyStep();
    if (this.flowNode !== null) this.bringIn(`n${this.flowNode}`);
    this.redraw();
    this.tell(this.sentence.textContent ?? "");
    this.remember({ step: k });
  }

  private applyStep(): void {
    this.flowNode = null;
    this.flows = null;
    this.shown = this.snapshot;
    if (this.step !== null) {
      const state = stateAt(this.snapshot, this.step);
      this.shown = { ...this.snapshot, backward: this.step >= this.snapshot.steps.length ? this.snapshot.backward : "none", nodes: this.snapshot.nodes.map((node) => {
        const grad = state.grads.get(node.id);
        const { grad: _old, ...rest } = node;
        return grad ? { ...rest, grad, grad_state: "known" as const } : { ...rest, grad_state: node.grad_state === "known" ? ("yet" as const) : node.grad_state ?? "yet" };
      }) };
      this.flows = new Map();
      for (let i = 0; i < this.step; i++) for (const c of this.snapshot.steps[i]!.contributions ?? []) this.flows.set(c.edge, c.value);
      this.flowNode = state.current ?? null;
    }
    this.picture.show(this.shown);
  }

  private endStepping(): void {
    if (this.step === null) return;
    this.step = null;
    this.transport.load(this.snapshot, null);
    this.applyStep();
    delete this.memory.step;
  }

  // Tools

  private pressed(name: string): boolean {
    return this.tools[name]!.getAttribute("aria-pressed") === "true";
  }

  private press(name: string, on: boolean): void {
    this.tools[name]!.setAttribute("aria-pressed", String(on));
  }

  private toggle(name: "values" | "grads"): void {
    this.press(name, !this.pressed(name));
    this.arrange();
    this.redraw();
    this.remember({ [name]: this.pressed(name) });
  }

  private toggleCode(on = !this.pressed("code")): void {
    this.press("code", on);
    this.codeBox?.remove();
    this.codeBox = null;
    if (on) {
      this.codeBox = listing(this.snapshot, (key, nodes) => {
        const again = this.codeBox?.querySelector(`[data-line="${key}"]`)?.getAttribute("aria-pressed") === "true";
        for (const line of this.codeBox?.querySelectorAll("[data-line]") ?? []) line.setAttribute("aria-pressed", String(!again && line.getAttribute("data-line") === key));
        this.marked = again ? [] : nodes.map((i) => `n${i}`);
        this.selected = null;
        this.details.hidden = true;
        this.whatIf.select(null);
        this.endStepping();
        if (this.marked[0]) this.bringIn(this.marked[0]);
        this.redraw();
        this.tell(this.sentence.textContent ?? "");
      });
      this.source.after(this.codeBox);
    }
    this.remember({ code: on });
  }

  private toggleSearch(on = this.searchBox.hidden): void {
    this.searchBox.hidden = !on;
    this.tools["search"]!.setAttribute("aria-expanded", String(on));
    if (on) this.input.focus();
    else {
      this.input.value = "";
      this.hits = [];
      this.note = "";
      this.redraw();
    }
  }

  private searched(): void {
    this.hits = find(this.snapshot, this.plan, this.input.value);
    this.hit = -1;
    this.note = this.input.value ? (this.hits.length ? `${count(this.hits.length, "hit")}: Enter goes to the next.` : "Nothing found.") : "";
    this.redraw();
    this.tell(this.note);
  }

  private nextHit(by: number): void {
    if (!this.hits.length) return;
    this.hit = (this.hit + by + this.hits.length) % this.hits.length;
    const item = this.hits[this.hit]!;
    this.note = `Hit ${this.hit + 1} of ${this.hits.length}.`;
    this.select(item, false);
    this.tell(`${this.note} ${this.picture.say(item)}`);
  }

  private foldAll(): void {
    const outer = [...this.picture.placed.boxes.values()].some((b) => b.open);
    this.opened = outer ? new Set() : new Set(this.plan.open);
    this.arrange();
    this.fit();
    this.redraw();
    this.remember();
  }

  private fit(touched = false): void {
    const { w, h } = this.window(), { placed } = this.picture;
    this.camera = fitted(placed.width, placed.height, w, h, touched ? 0.04 : LEGIBLE);
    this.redraw();
    if (touched) this.remember({ touched: false });
  }

  private toggleMenu(on = !this.menu): void {
    this.menu?.remove();
    this.menu = null;
    this.tools["more"]!.setAttribute("aria-expanded", String(on));
    if (!on) return;
    const name = titleOf(this.snapshot).replace(/[^\p{L}\p{N}_-]+/gu, "_").slice(0, 40) || "graph";
    const entry = (label: string, action: () => void, attributes = {}) => tool(label, () => (this.toggleMenu(false), action(), this.tools["more"]!.focus()), { role: "menuitem", ...attributes });
    const whole = () => {
      this.picture.draw({ x: 0, y: 0, zoom: 1 }, this.look(), 1e7, 1e7);
      const { width, height } = this.picture.placed;
      const text = standalone(this.picture.world, width, height, this.root);
      this.redraw();
      return { text, width, height };
    };
    this.menu = html("div", { class: "adl-menu", role: "menu", "aria-label": "Export and settings" },
      entry("Save as SVG", () => save(`${name}.svg`, whole().text, "image/svg+xml")),
      entry("Save as PNG", () => {
        const { text, width, height } = whole();
        png(text, width, height).then((blob) => save(`${name}.png`, blob), (error: Error) => {
          this.note = error.message;
          this.redraw();
        });
      }),
      entry("Save as DOT", () => save(`${name}.dot`, dot(this.snapshot))),
      entry("Copy the words", () => navigator.clipboard?.writeText(this.sentence.textContent ?? "")),
      html("hr"),
      entry("Open all modules", () => this.openAll()),
      entry("Zoom in  +", () => this.zoom(1.25)),
      entry("Zoom out  −", () => this.zoom(0.8)),
      entry(this.legend.hidden ? "Show the legend" : "Hide the legend", () => {
        this.legend.hidden = !this.legend.hidden;
        this.remember({ legend: !this.legend.hidden });
      }),
      html("hr"),
      html("div", { class: "soft", style: "padding:2px 9px 4px" }, "Arrows walk · Enter opens · Esc lets go · / search · F fit · + − zoom"));
    this.root.append(this.menu);
    const items = [...this.menu.querySelectorAll("button")];
    items[0]!.focus();
    this.menu.addEventListener("keydown", (event) => {
      const at = items.indexOf(document.activeElement as HTMLButtonElement);
      if (event.key === "ArrowDown") items[(at + 1) % items.length]!.focus();
      else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length]!.focus();
      else if (event.key === "Escape") {
        this.toggleMenu(false);
        this.tools["more"]!.focus();
      }
      else if (event.key === "Tab") this.toggleMenu(false);
      else return;
      if (event.key !== "Tab") event.preventDefault();
    });
  }

  private openAll(): void {
    for (const item of this.picture.parents.keys()) if (item[0] !== "n") this.opened.add(item);
    this.arrange();
    this.fit();
    this.remember();
  }

  private drawLegend(): void {
    const present = new Set(this.snapshot.nodes.map((n) => n.family ?? "point"));
    const chips = (Object.keys(FAMILIES) as Family[]).filter((f) => present.has(f)).map((f) => {
      const box = html("span", { "aria-hidden": "true", style: `width:12px;height:12px;border-radius:${f === "data" ? 1 : 3}px;background:var(--${f}-bg);border:1px solid var(--${f})` });
      return html("span", { class: "adl-chip" }, box, html("span", { style: `color:var(--${f})`, "aria-hidden": "true" }, FAMILIES[f].glyph), FAMILIES[f].word);
    });
    if (this.snapshot.backward === "ran") chips.push(html("span", { class: "adl-chip" }, "thicker red edge: larger gradient"));
    if (this.snapshot.nodes.some((n) => n.turn !== undefined)) chips.push(html("span", { class: "adl-chip" }, "↻2: second turn of a loop"));
    if (this.snapshot.nodes.some((n) => n.layer)) chips.push(html("span", { class: "adl-chip" }, "dashed card: made by a backward pass"));
    if (this.snapshot.edges.some((e) => e.grad === false)) chips.push(html("span", { class: "adl-chip" }, "dashed edge: no gradient flows"));
    this.legend.replaceChildren(...chips);
    this.legend.hidden = !(this.memory.legend ?? this.snapshot.nodes.length > 8);
  }

  // Selecting, opening, moving

  private toggleOpen(item: string): void {
    const before = this.picture.placed.boxes.get(item);
    if (this.opened.has(item)) this.opened.delete(item);
    else this.opened.add(item);
    this.arrange();
    const after = this.picture.placed.boxes.get(item);
    if (before && after) { // what was pressed stays under the pointer
      this.camera = { ...this.camera, x: this.camera.x + (before.x - after.x) * this.camera.zoom, y: this.camera.y + (before.y - after.y) * this.camera.zoom };
      const { w, h } = this.window();
      if (!this.memory.touched && after.w * this.camera.zoom <= w) this.camera = reveal(this.camera, after, w, h, 12);
    }
    if (!this.memory.touched && this.picture.placed.width * this.camera.zoom <= this.window().w - 16) this.fit();
    this.redraw();
    this.roving(item);
    this.tell(`${this.picture.label_of(item)} ${this.opened.has(item) ? "opened" : "folded"}`);
    this.remember();
  }

  private select(item: string | null, toggle = true): void {
    this.selected = toggle && this.selected === item ? null : item;
    this.marked = [];
    if (this.selected) this.bringIn(this.selected);
    this.whatIf.select(this.showDetails());
    this.redraw();
    this.remember({ selected: this.selected ?? undefined } as Memory);
  }

  /** Fill the detail box for the selected node, which is returned; hide it where none is. */
  private showDetails(): NodeInfo | null {
    const node = this.selected?.[0] === "n" ? this.shown.nodes[Number(this.selected.slice(1))]! : null;
    this.details.hidden = !node;
    if (node) this.details.replaceChildren(...detail(this.shown, node, this.snapshot.steps.length ? () => {
      if (this.transport.runTo(node.id)) return;
      this.note = "The backward pass did not come here.";
      this.redraw();
    } : null));
    return node;
  }

  /** Open what hides an item and bring it into the window. */
  private bringIn(item: string): void {
    const shownAs = this.visible(item);
    if (shownAs !== item && this.step === null) {
      for (let at = this.picture.parents.get(item)!; at !== "r"; at = this.picture.parents.get(at)!) this.opened.add(at);
      this.arrange();
    }
    const box = this.picture.placed.boxes.get(this.visible(item));
    const { w, h } = this.window();
    if (box) this.camera = reveal(this.camera, box, w, h);
  }

  private move(camera: Camera): void {
    const { w, h } = this.window();
    this.camera = held(camera, this.picture.placed.width, this.picture.placed.height, w, h);
    this.later();
    this.remember({ touched: true });
  }

  private zoom(factor: number, x?: number, y?: number): void {
    const { w, h } = this.window();
    this.move(zoomed(this.camera, factor, x ?? w / 2, y ?? h / 2));
  }

  private roving(item: string | null, focus = true): void {
    for (const old of this.picture.element.querySelectorAll("[data-item][tabindex='0']")) old.setAttribute("tabindex", "-1");
    if (!item) return;
    const group = this.picture.group(item);
    group?.setAttribute("tabindex", "0");
    if (focus) group?.focus({ preventScroll: true });
  }

  // Input

  private listen(): void {
    const canvas = this.picture.element;
    const itemAt = (target: EventTarget | null) => (target as Element | null)?.closest?.("[data-item]")?.getAttribute("data-item") ?? null;
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
      const item = itemAt(event.target);
      if (item !== this.hovered) {
        this.hovered = item && !(item[0] !== "n" && this.opened.has(item)) ? item : null;
        this.say();
      }
    });
    canvas.addEventListener("pointerup", () => {
      canvas.classList.remove("dragging");
      if (drag && !drag.moved) {
        if (drag.item === null) {
          if (this.selected || this.marked.length) this.select(null);
        } else if (drag.item[0] === "n") {
          this.roving(drag.item);
          this.select(drag.item);
        } else if (!this.opened.has(drag.item) || drag.head) this.toggleOpen(drag.item);
        else if (this.selected || this.marked.length) this.select(null);
      }
      drag = null;
    });
    canvas.addEventListener("pointerleave", () => {
      if (!this.hovered) return;
      this.hovered = null;
      this.say();
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
    canvas.addEventListener("focusin", (event) => {
      const item = itemAt(event.target);
      if (!item) return;
      this.roving(item, false);
      if ((event.target as Element).matches(":focus-visible")) {
        const box = this.picture.placed.boxes.get(item), { w, h } = this.window();
        this.hovered = item;
        if (box) this.camera = reveal(this.camera, box.open ? { ...box, w: 40, h: 28 } : box, w, h);
        this.later();
      }
    });
    canvas.addEventListener("focusout", () => {
      this.hovered = null;
      this.later();
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("keydown", (event) => {
      const typing = (event.target as Element).matches("input[type=search], input[type=number], input[type=text]");
      if (event.key === "/" && !typing) {
        event.preventDefault();
        this.toggleSearch(true);
      } else if (event.key === "Escape") {
        if (this.menu) this.toggleMenu(false);
        else if (!this.searchBox.hidden) {
          this.toggleSearch(false);
          this.tools["search"]!.focus();
        } else if (this.step !== null) {
          this.endStepping();
          this.redraw();
        } else if (this.selected || this.marked.length) this.select(null);
      }
    });
    this.input.addEventListener("input", () => this.searched());
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.nextHit(event.shiftKey ? -1 : 1);
    });
    this.root.addEventListener("pointerdown", (event) => {
      if (this.menu && !this.menu.contains(event.target as Node) && event.target !== this.tools["more"]) this.toggleMenu(false);
    });
    const resized = new ResizeObserver(() => {
      if (!this.snapshot || !this.picture.element.clientWidth) return;
      if (this.memory.touched) this.later();
      else {
        this.setHeight();
        this.fit();
      }
    });
    resized.observe(canvas);
    this.stops.push(() => resized.disconnect());
  }

  private key(event: KeyboardEvent): void {
    const item = (event.target as Element).getAttribute?.("data-item");
    const handled = () => event.preventDefault();
    if (event.key === "+" || event.key === "=") return handled(), this.zoom(1.25);
    if (event.key === "-") return handled(), this.zoom(0.8);
    if (event.key === "f" || event.key === "F") return handled(), this.fit(true);
    if (event.key === "s" && this.snapshot.steps.length) return handled(), void this.transport.key("ArrowRight");
    if (event.key === "b" && this.snapshot.steps.length) return handled(), void this.transport.key("ArrowLeft");
    if (!item) return;
    if (event.key === "Enter" || event.key === " ") {
      handled();
      if (item[0] === "n") this.select(item);
      else this.toggleOpen(item);
      return;
    }
    const next = this.walk(item, event.key);
    if (next) {
      handled();
      const box = this.picture.placed.boxes.get(next), { w, h } = this.window();
      if (box) this.camera = reveal(this.camera, box.open ? { ...box, w: 40, h: 28 } : box, w, h);
      this.redraw();
      this.roving(next);
    }
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
      return near.sort((a, b) => Math.abs(middle(a) - middle(here)) + Math.abs(a.x - here.x) * (linked.length ? 0 : 1) - Math.abs(middle(b) - middle(here)) - Math.abs(b.x - here.x) * (linked.length ? 0 : 1))[0]?.item ?? null;
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

/** A sentence with its gradients set off in red where they stand behind "gradient" or "receives". */
function withNumbers(text: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let from = 0;
  for (const match of text.matchAll(/(?<=receives (?:a gradient of norm )?|gradient (?:of norm )?)(-?[\d.]+(?:e-?\d+)?|NaN|-?∞)(?=[\s,.]|$)/g)) {
    const value = match[0].replace(/\.$/, "");
    parts.push(text.slice(from, match.index), html("b", { class: "g" }, value));
    from = match.index + value.length;
  }
  parts.push(text.slice(from));
  return parts;
}
