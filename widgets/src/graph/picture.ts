// The drawing surface: cards, boxes and wires in the window of the camera, as SVG near by and on canvas from afar.

import { drawCard, inside, nodeCard, scopeCard, scopeFamily, scopeTitle, textWidth, type Card } from "../common/cards";
import { html, svg } from "../common/dom";
import { number, shorten } from "../common/format";
import { float, type Plan, type Snapshot, type Value } from "../common/model";
import { calm } from "../common/theme";
import { color, tokenValue, type Family } from "../common/tokens";
import { counted, labelOf, nodeSentence, scalarText } from "../common/words";
import { curve, parentsOf, place, type Box, type Picture as Placed, type Wire } from "./place";
import type { Camera } from "./viewport";

export interface Look {
  values: boolean;
  grads: boolean;
  /** Items in the light; null: all. */
  lit: Set<string> | null;
  /** The one with the ring. */
  focus: string | null;
  /** While stepping: what has been sent over which edge, by edge. */
  flows: Map<number, Value> | null;
  hits: Set<string>;
}

const FAR = 0.3, CROWD = 350;

/** What is not the same in two graphs: "−" only in a, "+" only in b, "≠" in both, but different. */
export interface Difference { nodes: Map<number, string>; edges: Map<number, string> }

export class Picture {
  readonly element = html("div", { class: "adl-canvas" });
  readonly world = svg("g", { class: "adl-world" });
  placed: Placed = { boxes: new Map(), wires: [], width: 0, height: 0 };
  parents = new Map<string, string>();
  /** Where two graphs are drawn in one. */
  difference: Difference | null = null;
  private readonly svg = svg("svg", { width: "100%", height: "100%", role: "tree", "aria-label": "Graph" });
  private readonly far = html("canvas", { "aria-hidden": "true", class: "adl-far" });
  private readonly layers = { boxes: svg("g"), wires: svg("g", { "aria-hidden": "true" }), labels: svg("g", { "aria-hidden": "true" }), cards: svg("g") };
  private readonly drawn = new Map<string, { group: SVGGElement; hit: SVGGElement; text: SVGGElement; look: string }>();
  private members = new Map<string, number[]>();
  private sizes = new Map<string, Card>();
  private snapshot!: Snapshot;
  private plan!: Plan;
  private final!: Snapshot;
  private wide = new Map<number, number>();
  /** What the whole backward pass sent over each edge; null where its steps are not known. */
  private sent: Map<number, Value> | null = null;

  constructor() {
    this.world.append(this.layers.boxes, this.layers.wires, this.layers.labels, this.layers.cards);
    this.svg.append(this.world);
    this.element.append(this.far, this.svg);
  }

  /** Take a new snapshot: `final` decides sizes, so that stepping doesn't move anything. */
  load(snapshot: Snapshot, plan: Plan): void {
    this.snapshot = this.final = snapshot;
    this.plan = plan;
    this.parents = parentsOf(snapshot, plan);
    this.sent = snapshot.steps.length ? new Map(snapshot.steps.flatMap((step) => (step.contributions ?? []).map((c) => [c.edge, c.value] as const))) : null;
    this.members.clear();
    this.sizes.clear();
  }

  /** The same graph with other numbers (a step of the replay). */
  show(snapshot: Snapshot): void {
    this.snapshot = snapshot;
  }

  inside(item: string): number[] {
    let list = this.members.get(item);
    if (!list) this.members.set(item, (list = inside(this.snapshot, this.plan, item)));
    return list;
  }

  family(item: string): Family {
    return item[0] === "n" ? this.snapshot.nodes[Number(item.slice(1))]!.family ?? "point" : scopeFamily(this.snapshot, this.inside(item));
  }

  private card(item: string, look: Look, final = false): Card {
    const from = final ? this.final : this.snapshot;
    return item[0] === "n" ? nodeCard(from, Number(item.slice(1)), look.values, look.grads) : scopeCard(from, this.plan, item, this.inside(item), look.grads);
  }

  /** Place everything anew: after opening, folding, or another choice of rows. */
  arrange(opened: Set<string>, look: Look): void {
    this.sizes.clear();
    this.wide.clear();
    const size = (item: string) => {
      let card = this.sizes.get(item);
      if (!card) this.sizes.set(item, (card = this.card(item, look, true)));
      return card;
    };
    const labelled = this.final.nodes.length <= 80;
    this.placed = place(this.plan, this.parents, this.final.edges, opened, size, (edge) => {
      if (!labelled) return 0;
      const text = this.label(this.final, edge, look, null);
      const width = text ? textWidth(text, 11, true) : 0;
      this.wide.set(edge, width);
      return width;
    });
  }

  /** local derivative · incoming gradient = contribution, as far as known. */
  private label(snapshot: Snapshot, index: number, look: Look, flows: Map<number, Value> | null): string {
    const edge = snapshot.edges[index]!;
    if (edge.grad === false || snapshot.nodes.length > 80) return "";
    const target = snapshot.nodes[edge.target]!, local = float(edge.local);
    const known = look.grads && target.shape?.length === 0 && target.grad?.number !== undefined && local !== undefined;
    if (known && !(flows && !flows.has(index))) {
      const grad = float(target.grad!.number)!;
      const plain = `${number(local)} · ${number(grad)}`;
      return grad === 1 || local === 1 ? plain : `${plain} = ${number(local! * grad)}`;
    }
    const sent = flows?.get(index);
    if (sent && look.grads) return `‖${scalarText(sent)}‖`;
    return edge.plain && edge.plain.length <= 14 ? `× ${edge.plain}` : "";
  }

  /** Draw what the camera sees. Cheap enough for every frame of a drag. */
  draw(camera: Camera, look: Look, w: number, h: number): void {
    const margin = 200;
    const view = { x: (-camera.x - margin) / camera.zoom, y: (-camera.y - margin) / camera.zoom, w: (w + 2 * margin) / camera.zoom, h: (h + 2 * margin) / camera.zoom };
    const sees = (b: { x: number; y: number; w: number; h: number }) => b.x < view.x + view.w && b.x + b.w > view.x && b.y < view.y + view.h && b.y + b.h > view.y;
    const boxes = [...this.placed.boxes.values()].filter(sees);
    const far = camera.zoom < FAR && boxes.length > CROWD;
    this.world.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.zoom})`;
    this.world.style.transformOrigin = "0 0";
    this.far.hidden = !far;
    const wires = far ? [] : this.placed.wires.filter((wire) => sees(bounds(wire)));
    this.drawWires(wires, look);
    const wanted = new Set<string>();
    for (const box of far ? boxes.filter((b) => b.open || b.item === look.focus) : boxes) {
      wanted.add(box.item);
      this.drawItem(box, look);
    }
    for (const [item, entry] of this.drawn) {
      if (wanted.has(item) || entry.hit === document.activeElement) continue;
      entry.group.remove();
      this.drawn.delete(item);
    }
    if (far) this.drawFar(boxes, camera, w, h, look);
  }

  private drawItem(box: Box, look: Look): void {
    const { item } = box, open = box.open;
    const card = open ? undefined : this.card(item, look);
    if (card) card.w = box.w;
    const sign = open ? "" : this.sign(item);
    if (card && sign === "−") card.dashed = true;
    const dim = look.lit !== null && !open && !look.lit.has(item) && !(item[0] !== "n" && this.inside(item).some((i) => look.lit!.has(`n${i}`)));
    const said = this.say(item);
    const key = JSON.stringify([card ?? [box.w, box.h, this.family(item)], open, dim, look.focus === item, look.hits.has(item), said, sign]);
    let entry = this.drawn.get(item);
    const fresh = !entry;
    if (!entry) {
      // What is heard and pressed is one element, what is read another: the sentence is not the text on the card.
      const hit = svg("g", { class: "adl-hit", tabindex: -1, role: "treeitem", "data-item": item }), text = svg("g", { "aria-hidden": "true", class: "adl-text" });
      this.drawn.set(item, (entry = { group: svg("g", { class: "adl-item" }, hit, text), hit, text, look: "" }));
    }
    const { group, hit } = entry;
    const layer = open ? this.layers.boxes : this.layers.cards;
    if (group.parentNode !== layer) layer.append(group);
    if (fresh || calm()) {
      group.style.transition = "none";
      group.style.transform = `translate(${box.x}px, ${box.y}px)`;
      if (fresh && !calm()) group.classList.add("fresh");
    } else {
      group.style.transition = "";
      group.style.transform = `translate(${box.x}px, ${box.y}px)`;
    }
    if (entry.look === key) return;
    const changed = entry.look !== "" && !open;
    entry.look = key;
    hit.setAttribute("aria-label", said);
    hit.setAttribute("aria-level", String(this.depth(item)));
    if (item[0] !== "n") hit.setAttribute("aria-expanded", String(open));
    hit.setAttribute("aria-selected", String(look.focus === item));
    group.classList.toggle("dim", dim);
    const children = open ? this.openBox(box) : [...drawCard(card!).children];
    if (look.hits.has(item) && !open) children.unshift(svg("rect", { x: -3, y: -3, width: box.w + 6, height: box.h + 6, rx: 9, style: `fill:color-mix(in srgb, ${color("accent")} 26%, transparent)` }));
    if (look.focus === item) children.unshift(svg("rect", { class: "ring", x: -4, y: -4, width: box.w + 8, height: box.h + 8, rx: open ? 14 : card!.square ? 6 : 10, style: `fill:none;stroke:${color("accent")}`, "stroke-width": 2 }));
    if (sign) children.push(...badge(sign));
    hit.replaceChildren(...children.filter((child) => child.tagName === "rect"));
    entry.text.replaceChildren(...children.filter((child) => child.tagName !== "rect"));
    if (changed && !calm()) {
      const face = group.querySelector(".face");
      face?.animate?.([{ fillOpacity: 0.35 }, { fillOpacity: 1 }], { duration: 300, easing: "ease-out" });
    }
  }

  /** The sign of an item: of a folded module, what all differing nodes in it have, or that something differs. */
  sign(item: string): string {
    if (!this.difference) return "";
    const found = new Set((item[0] === "n" ? [Number(item.slice(1))] : this.inside(item)).map((i) => this.difference!.nodes.get(i) ?? ""));
    return found.size === 1 ? [...found][0]! : item[0] === "n" ? "" : "≠";
  }

  private openBox(box: Box): Element[] {
    const [name, cls] = scopeTitle(this.snapshot, this.plan, box.item), line = color(this.family(box.item));
    const head = `▾ ${shorten(name, 30)}`;
    return [
      svg("rect", { class: "room", width: box.w, height: box.h, rx: 10, style: `fill:color-mix(in srgb, ${line} 3%, transparent);stroke:${line}`, "stroke-opacity": 0.8 }),
      svg("rect", { class: "head", width: box.w, height: 28, rx: 10, style: "fill:transparent" }),
      svg("text", { x: 12, y: 20, "font-size": 12.5, "font-weight": 650 }, head),
      svg("text", { x: 12 + textWidth(head, 12.5, false, true) + 8, y: 20, "font-size": 11, style: `fill:${color("soft")}` }, shorten(cls, 30)),
    ];
  }

  /** What a screen reader hears about an item. */
  say(item: string): string {
    const sign = this.sign(item), differs: Record<string, string> = { "−": " Only in a.", "+": " Only in b.", "≠": item[0] === "n" ? " It differs." : " Something in it differs." };
    return this.sentence(item) + (differs[sign] ?? "");
  }

  private sentence(item: string): string {
    if (item[0] === "n") return nodeSentence(this.snapshot, this.snapshot.nodes[Number(item.slice(1))]!);
    const [name, cls] = scopeTitle(this.snapshot, this.plan, item);
    const nodes = this.inside(item), ops = nodes.filter((i) => this.snapshot.nodes[i]!.kind === "op").length;
    const stack = this.plan.stacks[item];
    const scope = this.snapshot.scopes[Number((stack?.[0] ?? item).slice(1))]!;
    return stack
      ? `${name}, ${stack.length} equal modules ${scope.cls}, ${counted(ops, "operator")} in all.`
      : `${name}, module ${cls}, ${counted(ops, "operator")}${scope.error ? `, failed: ${scope.error}` : ""}.`;
  }

  private depth(item: string): number {
    let depth = 0;
    for (let at = item; at !== "r"; at = this.parents.get(at)!) depth++;
    return depth;
  }

  private drawWires(wires: Wire[], look: Look): void {
    const { snapshot } = this, paths: Element[] = [], labels: Element[] = [];
    for (const wire of wires) {
      const flows = wire.edges.some((i) => snapshot.edges[i]!.grad !== false);
      const strength = look.grads && flows ? this.strength(wire, look) : undefined;
      const hot = strength !== undefined;
      const dim = look.lit !== null && !(this.isLit(wire.source, look) && this.isLit(wire.target, look));
      const [x, y] = wire.points[wire.points.length - 1]!;
      const signs = new Set(this.difference && wire.edges.map((i) => this.difference!.edges.get(i) ?? "")), sign = signs.size === 1 ? [...signs][0] : "";
      const stroke = color(hot ? "grad" : sign === "+" ? "accent" : "rule");
      const group = svg("g", { opacity: dim ? 0.25 : null });
      group.append(
        svg("path", { d: curve(wire.points), style: `fill:none;stroke:${stroke}`, "stroke-width": sign === "+" ? 2 : width(strength), "stroke-dasharray": sign === "−" ? "7 4" : flows ? null : "3 3" }),
        svg("path", { d: `M${x},${y}l-8,-4l0,8z`, style: `fill:${stroke}` }),
      );
      paths.push(group);
      const nodes = wire.source[0] === "n" && wire.target[0] === "n";
      const text = wire.edges.length === 1 ? nodes && this.label(snapshot, wire.edges[0]!, look, look.flows) : wire.edges.length > 3 && snapshot.scopes.length ? `${wire.edges.length} edges` : "";
      if (!text || dim) continue;
      const [x1, y1] = wire.points[wire.points.length - 2]!, mx = (x1 + x) / 2 - 2, my = (y1 + y) / 2, w = textWidth(text, 11, true) + 4;
      if (w > x - x1 - 14 && wire.edges.length > 1) continue;
      labels.push(
        svg("rect", { x: mx - w / 2, y: my - 8, width: w, height: 15, rx: 3, style: `fill:${color("tint")}` }),
        svg("text", { class: "m", x: mx, y: my + 3, "text-anchor": "middle", "font-size": 11, style: `fill:${color(hot ? "grad" : "soft")}` }, text),
      );
    }
    this.layers.wires.replaceChildren(...paths);
    this.layers.labels.replaceChildren(...labels);
  }

  private isLit(item: string, look: Look): boolean {
    return look.lit!.has(item) || (item[0] !== "n" && this.inside(item).some((i) => look.lit!.has(`n${i}`)));
  }

  private strength(wire: Wire, look: Look): number | undefined {
    let most: number | undefined;
    for (const i of wire.edges) {
      const edge = this.snapshot.edges[i]!;
      if (edge.grad === false || (look.flows && !look.flows.has(i))) continue;
      const value = look.flows?.get(i) ?? (this.sent ? this.sent.get(i) : this.snapshot.nodes[edge.source]!.grad);
      const size = value ? Math.abs(float(value.number) ?? float(value.norm) ?? NaN) : NaN;
      if (Number.isFinite(size)) most = Math.max(most ?? 0, size);
      else if (value) most ??= 0;
    }
    return most;
  }

  private drawFar(boxes: Box[], camera: Camera, w: number, h: number, look: Look): void {
    const ratio = window.devicePixelRatio || 1;
    this.far.width = w * ratio;
    this.far.height = h * ratio;
    const g = this.far.getContext("2d");
    if (!g) return;
    g.setTransform(ratio * camera.zoom, 0, 0, ratio * camera.zoom, ratio * camera.x, ratio * camera.y);
    g.lineWidth = 1 / camera.zoom;
    g.strokeStyle = tokenValue(this.element, "rule");
    g.globalAlpha = 0.5;
    g.beginPath();
    const view = { x: -camera.x / camera.zoom, y: -camera.y / camera.zoom, w: w / camera.zoom, h: h / camera.zoom };
    for (const wire of this.placed.wires) {
      const b = bounds(wire);
      if (b.x > view.x + view.w || b.x + b.w < view.x || b.y > view.y + view.h || b.y + b.h < view.y) continue;
      wire.points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
    }
    g.stroke();
    const fills = new Map<string, string>();
    for (const box of boxes) {
      const family = this.family(box.item);
      let fill = fills.get(family);
      if (fill === undefined) fills.set(family, (fill = tokenValue(this.element, family)));
      g.fillStyle = fill;
      g.globalAlpha = box.open ? 0.06 : look.lit && !this.isLit(box.item, look) ? 0.2 : look.hits.size && !look.hits.has(box.item) ? 0.25 : 0.85;
      g.fillRect(box.x, box.y, box.w, box.h);
    }
  }

  /** The group of an item, if it is drawn. */
  group(item: string): SVGGElement | undefined {
    return this.drawn.get(item)?.hit;
  }

  /** Forget what is drawn, so that the next draw is complete (after a change of theme, or for export). */
  forget(): void {
    for (const { group } of this.drawn.values()) group.remove();
    this.drawn.clear();
  }

  label_of(item: string): string {
    return item[0] === "n" ? labelOf(this.snapshot.nodes[Number(item.slice(1))]!) : scopeTitle(this.snapshot, this.plan, item)[0];
  }
}

/** A sign in a circle, at the corner of a card; filled where something was added. */
function badge(sign: string): SVGElement[] {
  const added = sign === "+", edge = color(added ? "accent" : "ink");
  return [
    svg("circle", { cx: 0, cy: 0, r: 8.5, style: `fill:${added ? edge : color("bg")};stroke:${edge}`, "stroke-width": 1.3 }),
    svg("text", { x: 0, y: 4.5, "font-size": 12.5, "font-weight": 700, "text-anchor": "middle", style: `fill:${color(added ? "accent-ink" : "ink")}` }, sign),
  ];
}

function bounds(wire: Wire): { x: number; y: number; w: number; h: number } {
  let x = Infinity, y = Infinity, X = -Infinity, Y = -Infinity;
  for (const [px, py] of wire.points) {
    x = Math.min(x, px);
    X = Math.max(X, px);
    y = Math.min(y, py);
    Y = Math.max(Y, py);
  }
  return { x, y: y - 10, w: X - x, h: Y - y + 20 };
}

/** Thickness by the logarithm of the gradient. */
function width(strength: number | undefined): number {
  if (strength === undefined || strength <= 0) return 1.2;
  return 1.2 + 2 * Math.min(1, Math.max(0, (Math.log10(strength) + 6) / 8));
}
