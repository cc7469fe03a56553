// The Graph panel: title and tools, the picture, the source line, the sentence, the transport bar. Holds what the
// reader did (folds, camera, selection, step) and nothing of the computation itself.

import { contain, failure, html, tool } from "../common/dom";
import { count, shorten } from "../common/format";
import { parsePayload, type NodeInfo, type Payload, type Plan, type Snapshot } from "../common/model";
import { followTheme } from "../common/theme";
import { FAMILIES, type Family } from "../common/tokens";
import { facts, fewText, labelOf, stepFacts, stepSentence, summarySentence, titleOf } from "../common/words";
import { stateAt } from "../step/replay";
import { Transport } from "../step/transport";
import { detail } from "./detail";
import { listing, sourceLine } from "./code";
import { dot, png, save, standalone } from "./download";
import { Menu, type Entry } from "./menu";
import type { Look } from "./picture";
import { find } from "./search";
import { Stage, type Owner } from "./stage";
import type { Camera } from "./viewport";
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

export class GraphPanel implements Owner {
  private snapshot!: Snapshot;
  private plan!: Plan;
  private now!: Snapshot;
  private opened = new Set<string>();
  private selected: string | null = null;
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
  private readonly stage = new Stage(this);
  private readonly picture = this.stage.picture;
  private readonly transport: Transport;
  private readonly whatIf: WhatIf;
  private readonly menu: Menu;
  private readonly input = html("input", { type: "search", placeholder: "name, operator, shape", "aria-label": "Search the graph" });
  private readonly searchBox: HTMLElement;
  private readonly tools: Record<string, HTMLButtonElement>;
  private readonly stops: (() => void)[] = [];

  constructor(private readonly root: HTMLElement, private readonly host: Host, memory: Memory = {}) {
    this.memory = { ...memory };
    this.stops.push(followTheme(root, () => (this.picture.forget(), this.redraw())));
    contain(root);
    this.stage.touched = !!memory.touched;
    this.transport = new Transport((k, note) => this.stepTo(k, note));
    this.whatIf = new WhatIf(host);
    this.menu = new Menu(root, () => this.menuEntries(), "Arrows walk · Enter opens · Esc lets go · / search · F fit · + − zoom");
    this.tools = {
      search: tool("Search /", () => this.toggleSearch(), { "aria-expanded": "false" }),
      values: tool("Values", () => this.toggle("values"), { "aria-pressed": "true" }),
      grads: tool("Gradients", () => this.toggle("grads"), { "aria-pressed": "false" }),
      code: tool("Code", () => this.toggleCode(), { "aria-pressed": "false" }),
      fold: tool("Fold all", () => this.foldAll()),
      fit: tool("Fit", () => this.stage.fit(true)),
    };
    this.searchBox = html("span", { class: "adl-search", hidden: true }, this.input, tool("Next", () => this.nextHit(1), { "aria-label": "Next hit" }));
    const t = this.tools;
    root.replaceChildren(html("div", { class: "adl-panel", role: "group", "aria-label": "Computation graph" },
      html("div", { class: "adl-bar" }, this.title, this.sub, html("span", { class: "adl-grow" }), t["search"]!, this.searchBox, t["values"]!, t["grads"]!, t["code"]!, t["fold"]!, t["fit"]!, this.menu.button),
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
    this.snapshot = this.now = payload.snapshot;
    this.plan = payload.plan;
    this.picture.load(this.snapshot, this.plan);
    if (!same) {
      this.opened = paths ? this.fromPaths(paths) : new Set(this.plan.open);
      this.selected = this.memory.selected && this.picture.parents.has(this.memory.selected) ? this.memory.selected : null;
      this.hits = this.marked = [];
    }
    const ran = this.snapshot.backward !== "none";
    this.setPressed("values", this.memory.values ?? true);
    this.setPressed("grads", this.memory.grads ?? ran);
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
    if (this.memory.camera && this.stage.touched) this.stage.camera = this.memory.camera;
    else if (!same) this.stage.fit();
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
    this.stage.stop();
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
    this.memory = { ...this.memory, open: this.openPaths(), camera: this.stage.camera, touched: this.stage.touched, key: this.snapshot.key, ...change };
    this.host.remember(this.memory);
  }

  look(): Look {
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

  private arrange(): void {
    this.stage.arrange(this.opened);
  }

  private redraw(): void {
    if (this.snapshot) this.stage.draw();
  }

  isOpen(item: string): boolean {
    return this.opened.has(item);
  }

  moved(): void {
    this.remember();
  }

  say(): void {
    const item = this.stage.hovered ?? (this.step === null ? this.selected : null);
    const { snapshot, now } = this, parts: (Node | string)[] = [];
    let about: number | null = null;
    if (this.step !== null && !this.stage.hovered) {
      about = this.flowNode;
      const text = this.step === 0 ? `Before step 1 of ${snapshot.steps.length}. Nothing has flowed back yet; the pass begins at ${titleOf(snapshot)} with gradient 1.` : stepSentence(snapshot, this.step);
      parts.push(...withNumbers(text));
      if (this.step > 0) parts.push(html("span", { class: "soft" }, ` ${stepFacts(snapshot, this.step)}`));
    } else if (item) {
      parts.push(...withNumbers(this.picture.say(item)));
      if (item[0] === "n") about = Number(item.slice(1));
      else parts.push(html("span", { class: "soft" }, this.opened.has(item) ? " Enter folds it." : " Enter opens it."));
    } else if (this.marked.length) parts.push(`${count(this.marked.length, "node")} made by this line: ${this.marked.slice(0, 8).map((m) => labelOf(now.nodes[Number(m.slice(1))]!)).join(", ")}${this.marked.length > 8 ? ", …" : ""}.`);
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
      this.setPressed("grads", true);
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
    this.now = this.snapshot;
    if (this.step !== null) {
      const state = stateAt(this.snapshot, this.step);
      this.now = { ...this.snapshot, backward: this.step >= this.snapshot.steps.length ? this.snapshot.backward : "none", nodes: this.snapshot.nodes.map((node) => {
        const grad = state.grads.get(node.id);
        const { grad: _old, ...rest } = node;
        return grad ? { ...rest, grad, grad_state: "known" as const } : { ...rest, grad_state: node.grad_state === "known" || node.grad_state === "returned" ? ("yet" as const) : node.grad_state ?? "yet" };
      }) };
      this.flows = new Map();
      for (let i = 0; i < this.step; i++) for (const c of this.snapshot.steps[i]!.contributions ?? []) this.flows.set(c.edge, c.value);
      this.flowNode = state.current ?? null;
    }
    this.picture.show(this.now);
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

  private setPressed(name: string, on: boolean): void {
    this.tools[name]!.setAttribute("aria-pressed", String(on));
  }

  private toggle(name: "values" | "grads"): void {
    this.setPressed(name, !this.pressed(name));
    this.arrange();
    this.redraw();
    this.remember({ [name]: this.pressed(name) });
  }

  private toggleCode(on = !this.pressed("code")): void {
    this.setPressed("code", on);
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
    this.stage.fit();
    this.remember();
  }

  private menuEntries(): Entry[] {
    const name = titleOf(this.snapshot).replace(/[^\p{L}\p{N}_-]+/gu, "_").slice(0, 40) || "graph";
    const whole = () => {
      this.picture.draw({ x: 0, y: 0, zoom: 1 }, this.look(), 1e7, 1e7);
      const { width, height } = this.picture.placed;
      const text = standalone(this.picture.world, width, height, this.root);
      this.redraw();
      return { text, width, height };
    };
    return [
      { label: "Save as SVG", action: () => save(`${name}.svg`, whole().text, "image/svg+xml") },
      { label: "Save as PNG", action: () => {
        const { text, width, height } = whole();
        png(text, width, height).then((blob) => save(`${name}.png`, blob), (error: Error) => {
          this.note = error.message;
          this.redraw();
        });
      } },
      { label: "Save as DOT", action: () => save(`${name}.dot`, dot(this.snapshot)) },
      { label: "Copy the words", action: () => void navigator.clipboard?.writeText(this.sentence.textContent ?? "") },
      "line",
      { label: "Open all modules", action: () => this.openAll() },
      { label: "Zoom in  +", action: () => this.stage.zoom(1.25) },
      { label: "Zoom out  −", action: () => this.stage.zoom(0.8) },
      { label: this.legend.hidden ? "Show the legend" : "Hide the legend", action: () => {
        this.legend.hidden = !this.legend.hidden;
        this.remember({ legend: !this.legend.hidden });
      } },
    ];
  }

  private openAll(): void {
    for (const item of this.picture.parents.keys()) if (item[0] !== "n") this.opened.add(item);
    this.arrange();
    this.stage.fit();
    this.remember();
  }

  private drawLegend(): void {
    const present = new Set(this.snapshot.nodes.map((n) => n.family ?? "point"));
    const chips = (Object.keys(FAMILIES) as Family[]).filter((f) => present.has(f)).map((f) => {
      const box = html("span", { "aria-hidden": "true", style: `width:12px;height:12px;border-radius:${f === "data" ? 1 : 3}px;background:var(--${f}-bg);border:1px solid var(--${f})` });
      return html("span", { class: "adl-chip" }, box, html("span", { style: `color:var(--${f})`, "aria-hidden": "true" }, FAMILIES[f].glyph), FAMILIES[f].word);
    });
    if (this.snapshot.backward === "ran") chips.push(html("span", { class: "adl-chip" }, "thicker red edge: larger gradient"));
    if (this.snapshot.nodes.some((n) => n.grad?.norm !== undefined && !fewText(n, n.grad))) chips.push(html("span", { class: "adl-chip" }, "∂ of several numbers: their norm"));
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
      const { camera } = this.stage;
      this.stage.camera = { ...camera, x: camera.x + (before.x - after.x) * camera.zoom, y: camera.y + (before.y - after.y) * camera.zoom };
      if (!this.stage.touched && after.w * camera.zoom <= this.stage.window().w) this.stage.reveal(item, true);
    }
    if (!this.stage.touched && this.picture.placed.width * this.stage.camera.zoom <= this.stage.window().w - 16) this.stage.fit();
    this.redraw();
    this.stage.focus(item);
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
    const node = this.selected?.[0] === "n" ? this.now.nodes[Number(this.selected.slice(1))]! : null;
    this.details.hidden = !node;
    if (node) this.details.replaceChildren(...detail(this.now, node, this.snapshot.steps.length ? () => {
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
    this.stage.reveal(this.visible(item));
  }

  // Input

  private listen(): void {
    this.root.addEventListener("keydown", (event) => {
      const typing = (event.target as Element).matches("input[type=search], input[type=number], input[type=text]");
      if (event.key === "/" && !typing) {
        event.preventDefault();
        this.toggleSearch(true);
      } else if (event.key === "Escape") {
        if (!this.searchBox.hidden) {
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
  }

  press(item: string | null, head: boolean, byKey: boolean): void {
    if (item && item[0] === "n") {
      if (!byKey) this.stage.focus(item);
      this.select(item);
    } else if (item && (!this.opened.has(item) || head)) this.toggleOpen(item);
    else if (this.selected || this.marked.length) this.select(null);
  }

  key(key: string): boolean {
    if (!this.snapshot.steps.length || (key !== "s" && key !== "b")) return false;
    return this.transport.key(key === "s" ? "ArrowRight" : "ArrowLeft");
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
