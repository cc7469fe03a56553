// The Diff panel: the differences as a list beside both graphs in one picture. What both ran stands there once.

import { contain, failure, html, tool } from "../common/dom";
import { count } from "../common/format";
import { parsePayload, type Payload, type Snapshot } from "../common/model";
import { followTheme } from "../common/theme";
import { sourceLine } from "../graph/code";
import type { Look } from "../graph/picture";
import { Stage, type Owner } from "../graph/stage";
import type { Camera } from "../graph/viewport";

export interface Change { sign: string; text: string; nodes: number[] }
interface Facts { facts: string; signs: Record<string, string>; edges: Record<string, string>; changes: Change[] }

/** What a view remembers, for the one that comes after it. */
export interface Memory { camera?: Camera; touched?: boolean; change?: number; side?: Side; open?: string[] }
type Side = "both" | "a" | "b";

export class DiffPanel implements Owner {
  private snapshot!: Snapshot;
  private facts!: Facts;
  private opened = new Set<string>();
  private change: number | null = null;
  private side: Side = "both";
  private selected: string | null = null;
  private readonly stage = new Stage(this);
  private readonly sub = html("span", { class: "adl-sub" });
  private readonly list = html("div", { class: "adl-changes", role: "listbox", "aria-label": "Differences" });
  private readonly source = html("div", { class: "adl-src", role: "note", "aria-label": "Source line", tabindex: 0 });
  private readonly sentence = html("div", { class: "adl-say" });
  private readonly heard = html("div", { class: "adl-heard", "aria-live": "polite" });
  private readonly sides: Record<Side, HTMLButtonElement>;
  private readonly back = tool("◀ Previous", () => this.go(-1), { title: "The difference before this one (p)" });
  private readonly next = tool("Next ▶", () => this.go(1), { class: "go", title: "The next difference (n)" });
  private readonly stops: (() => void)[] = [];

  constructor(private readonly root: HTMLElement, private readonly remember: (memory: Memory) => void, private memory: Memory = {}) {
    this.stops.push(followTheme(root, () => (this.stage.picture.forget(), this.stage.draw())));
    contain(root);
    const side = (name: Side, label: string, title: string) => tool(label, () => this.show(name), { "aria-pressed": String(name === "both"), title });
    this.sides = { both: side("both", "Both", "Both graphs in one"), a: side("a", "a", "What a ran; the rest is dimmed"), b: side("b", "b", "What b ran; the rest is dimmed") };
    root.replaceChildren(html("div", { class: "adl-panel", role: "group", "aria-label": "Differences of two graphs" },
      html("div", { class: "adl-bar" }, html("span", { class: "adl-title" }, "Diff"), this.sub, html("span", { class: "adl-grow" }), ...Object.values(this.sides), tool("Fit", () => this.stage.fit(true), { title: "Show all of it (F)" })),
      html("div", { class: "adl-pair" }, this.list, this.stage.element), this.source, this.sentence,
      html("div", { class: "adl-bar foot", role: "group", "aria-label": "Walk through the differences" }, this.back, this.next, html("span", { class: "adl-sub adl-hint" }, "n next · p previous · arrows walk the graph · Esc lets go"), html("span", { class: "adl-grow" }), ...legend()),
      this.heard));
    this.listen();
  }

  load(text: string): void {
    let payload: Payload & { diff: Facts };
    try {
      payload = { ...parsePayload(text), diff: (JSON.parse(text) as { diff: Facts }).diff };
    } catch (error) {
      failure(this.root, "The difference", error);
      return;
    }
    const { picture } = this.stage;
    this.snapshot = payload.snapshot;
    this.facts = payload.diff;
    this.opened = new Set(this.memory.open ?? payload.plan.open);
    const numbered = (signs: Record<string, string>) => new Map(Object.entries(signs).map(([key, sign]) => [Number(key), sign]));
    picture.load(this.snapshot, payload.plan);
    picture.difference = { nodes: numbered(this.facts.signs), edges: numbered(this.facts.edges) };
    for (const node of picture.difference.nodes.keys()) this.unfold(node); // what differs is seen at once
    this.sub.textContent = this.facts.facts;
    this.list.replaceChildren(...this.facts.changes.map((change, i) => this.option(change, i)));
    this.list.hidden = this.back.hidden = this.next.hidden = !this.facts.changes.length;
    this.change = this.memory.change ?? null;
    this.side = this.memory.side ?? "both";
    this.stage.touched = !!this.memory.touched;
    this.stage.arrange(this.opened);
    if (this.memory.camera && this.stage.touched) this.stage.camera = this.memory.camera;
    else this.stage.fit();
    this.mark();
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.stage.stop();
  }

  private option(change: Change, i: number): HTMLElement {
    const option = html("div", { class: "adl-change", role: "option", "aria-selected": "false", tabindex: i ? -1 : 0 }, html("b", { class: "adl-sign", "aria-hidden": "true" }, change.sign), html("span", {}, change.text));
    option.addEventListener("click", () => this.choose(this.change === i ? null : i));
    return option;
  }

  // Owner of the stage

  look(): Look {
    const { difference } = this.stage.picture;
    let lit: Set<string> | null = null;
    if (this.change !== null) lit = new Set(this.facts.changes[this.change]!.nodes.map((n) => `n${n}`));
    else if (this.side !== "both") {
      const other = this.side === "a" ? "+" : "−";
      lit = new Set(this.snapshot.nodes.filter((n) => difference?.nodes.get(n.id) !== other).map((n) => `n${n.id}`));
    }
    return { values: true, grads: false, lit, focus: this.selected, flows: null, hits: new Set() };
  }

  isOpen(item: string): boolean {
    return this.opened.has(item);
  }

  press(item: string | null, head: boolean, byKey: boolean): void {
    if (item && item[0] === "n") {
      if (!byKey) this.stage.focus(item);
      this.selected = this.selected === item ? null : item;
      const at = this.selected ? this.facts.changes.findIndex((change) => change.nodes.includes(Number(item.slice(1)))) : -1;
      this.change = at < 0 ? null : at;
    } else if (item && (!this.opened.has(item) || head)) {
      if (this.opened.has(item)) this.opened.delete(item);
      else this.opened.add(item);
      this.stage.arrange(this.opened);
      this.stage.draw();
      this.stage.focus(item);
    } else this.selected = this.change = null;
    this.mark();
  }

  key(key: string): boolean {
    if (key === "n" || key === "p") this.go(key === "n" ? 1 : -1);
    else return false;
    return true;
  }

  moved(): void {
    this.keep();
  }

  say(): void {
    const item = this.stage.hovered ?? this.selected, change = this.change === null ? null : this.facts.changes[this.change]!;
    const about = item?.[0] === "n" ? Number(item.slice(1)) : !item && change ? change.nodes[0] : undefined;
    if (item) this.sentence.textContent = this.stage.picture.say(item);
    else if (change) this.sentence.textContent = `Difference ${this.change! + 1} of ${this.facts.changes.length}: ${change.text}`;
    else this.sentence.textContent = this.summary();
    this.source.hidden = about === undefined || !this.snapshot.code.length;
    if (about !== undefined) this.source.replaceChildren(...sourceLine(this.snapshot, this.snapshot.nodes[about]!));
  }

  private summary(): string {
    const n = this.facts.changes.length;
    if (!n) return "The two graphs are the same: same operators, same lines, same shapes.";
    return `${count(n, "difference")}. What both ran stands here once; “+” marks what ran only in b, “−” only in a.`;
  }

  // Walking through the differences

  private go(by: number): void {
    const n = this.facts.changes.length;
    if (n) this.choose(this.change === null ? (by > 0 ? 0 : n - 1) : (this.change + by + n) % n);
  }

  private choose(change: number | null): void {
    this.change = change;
    this.selected = null;
    this.side = "both";
    if (change !== null) {
      const { nodes, text } = this.facts.changes[change]!;
      if (nodes.map((n) => this.unfold(n)).some(Boolean)) this.stage.arrange(this.opened);
      for (const n of nodes.slice(0, 6).reverse()) this.stage.reveal(this.visible(`n${n}`));
      this.heard.textContent = `Difference ${change + 1} of ${this.facts.changes.length}: ${text}`;
    }
    this.mark();
  }

  private show(side: Side): void {
    this.side = side;
    this.change = this.selected = null;
    this.mark();
  }

  /** Open what hides a node, but for modules that only one side has: they are one difference. True if something was closed. */
  private unfold(node: number): boolean {
    const { parents } = this.stage.picture, before = this.opened.size;
    for (let at = parents.get(`n${node}`)!; at !== "r"; at = parents.get(at)!) if (!"+−".includes(this.stage.picture.sign(at) || "≠")) this.opened.add(at);
    return this.opened.size > before;
  }

  /** The item that stands for another: itself, or the outermost closed box around it. */
  private visible(item: string): string {
    const { parents } = this.stage.picture;
    let seen = item;
    for (let at = parents.get(item)!; at !== "r"; at = parents.get(at)!) if (!this.opened.has(at)) seen = at;
    return seen;
  }

  private mark(): void {
    for (const [name, button] of Object.entries(this.sides)) button.setAttribute("aria-pressed", String(name === this.side));
    [...this.list.children].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === this.change));
      option.setAttribute("tabindex", i === (this.change ?? 0) ? "0" : "-1");
      if (i === this.change) option.scrollIntoView?.({ block: "nearest" });
    });
    this.stage.draw();
    this.keep();
  }

  private keep(): void {
    this.memory = { camera: this.stage.camera, touched: this.stage.touched, side: this.side, open: [...this.opened], ...(this.change === null ? {} : { change: this.change }) };
    this.remember(this.memory);
  }

  private listen(): void {
    this.list.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key], n = this.facts.changes.length;
      if (by) this.go(by);
      else if (event.key === "Home" || event.key === "End") this.choose(event.key === "Home" ? 0 : n - 1);
      else if (event.key === "Enter" || event.key === " ") this.choose(this.change ?? 0);
      else return;
      event.preventDefault();
      (this.list.querySelector("[tabindex='0']") as HTMLElement | null)?.focus();
    });
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && (this.change !== null || this.selected)) {
        this.change = this.selected = null;
        this.mark();
      } else if (!this.stage.element.contains(event.target as Node)) this.key(event.key);
    });
  }
}

function legend(): HTMLElement[] {
  return [["−", "only in a"], ["+", "only in b"], ["≠", "differs"]].map(([sign, words]) => html("span", { class: "adl-chip adl-sub" }, html("b", { class: sign === "+" ? "adl-badge plus" : "adl-badge" }, sign!), words!));
}
