// Cards: what stands on a node or a folded module, how large it is, and how it is drawn.

import { number, shorten } from "./format";
import { float, type Plan, type ScopeInfo, type Snapshot } from "./model";
import { svg } from "./dom";
import { color, FAMILIES, type Family } from "./tokens";
import { gradText, labelOf, scalarText, sizeText, valueText } from "./words";

export interface Card {
  family: Family; glyph: string; name: string; op: string; rows: { text: string; tone: "ink" | "soft" | "grad" }[];
  bold: boolean; sheets: number; square: boolean; failed: boolean; dashed?: boolean; bins?: number[] | undefined; gradBins?: number[] | undefined; nameX: number; w: number; h: number;
}

const WIDEST = 230;
const NARROW = new Set("iljtfrI.,:;'|()[]{}! ·/"), WIDE = new Set("mwMWGOQ@%&∂…");

/** About how wide a text is; the same in Python, so that both place the same. */
export function textWidth(text: string, size: number, mono = false, bold = false): number {
  const letters = [...text];
  if (mono) return letters.length * size * 0.605;
  let units = 0;
  for (const c of letters) units += NARROW.has(c) ? 0.38 : WIDE.has(c) ? 0.92 : c !== c.toLowerCase() ? 0.7 : 0.62;
  return units * size * (bold ? 1.2 : 1.07);
}

function measured(card: Omit<Card, "nameX" | "w" | "h">): Card {
  const nameX = 10 + Math.max(17, textWidth(card.glyph, 13) + 6);
  while (card.op.length > 4 && nameX + textWidth(card.name, 12.5, false, card.bold) + 20 + textWidth(card.op, 11) > WIDEST) card = { ...card, op: shorten(card.op, card.op.length - 1) };
  const head = nameX + textWidth(card.name, 12.5, false, card.bold) + (card.op ? 10 + textWidth(card.op, 11) : 0) + 10;
  const rows = card.rows.map((row, i) => 20 + textWidth(row.text, 12, true) + ((i ? card.gradBins : card.bins) ? 44 : 0));
  return { ...card, nameX, w: Math.ceil(Math.min(WIDEST, Math.max(92, head, ...rows))), h: 27 + 17 * card.rows.length + (card.rows.length ? 3 : 0) };
}

/** The card of a node. */
export function nodeCard(snapshot: Snapshot, index: number, values: boolean, grads: boolean): Card {
  const node = snapshot.nodes[index]!;
  const name = labelOf(node), path = node.scope === undefined ? "" : `${snapshot.scopes[node.scope]!.path}.`;
  const shown = path && node.kind === "parameter" && name.startsWith(path) ? name.slice(path.length) : name;
  let op = node.kind === "op" ? (name !== node.label ? node.label ?? "" : "") : !node.dtype || node.dtype === "float32" ? "leaf" : node.dtype;
  if (node.turn !== undefined) op = `${op} ↻${node.turn}`.trim();
  if (node.hooks) op = `${op} +${node.hooks > 1 ? `${node.hooks}hooks` : "hook"}`.trim();
  const rows: Card["rows"] = [{ text: values ? valueText(node) : sizeText(node.shape), tone: node.error ? "soft" : "ink" }];
  if (grads) rows.push({ text: gradText(node, snapshot.backward), tone: node.grad ? "grad" : "soft" });
  const tensor = node.shape === undefined || node.shape.length > 0;
  return measured({
    family: node.family ?? "point", glyph: node.glyph || FAMILIES[node.family ?? "point"].glyph, name: shorten(shown, 20), op: shorten(op, 16), rows, bold: !!node.name,
    sheets: 0, square: node.kind === "data", failed: !!node.error, dashed: !!node.layer, bins: values && tensor ? node.value?.bins : undefined, gradBins: grads && tensor ? node.grad?.bins : undefined,
  });
}

/** The last name of a path, with the number that follows it: "h.0" of "transformer.h.0". */
export function tail(path: string): string {
  const parts = path.split("."), last = parts[parts.length - 1]!;
  return parts.length > 1 && /^\d+$/.test(last) ? parts.slice(-2).join(".") : last;
}

export function scopeName(scope: ScopeInfo): string {
  return tail(scope.path) || scope.name || scope.cls;
}

/** Title and class of a module or stack. */
export function scopeTitle(snapshot: Snapshot, plan: Plan, item: string): [string, string] {
  const members = plan.stacks[item];
  const scope = snapshot.scopes[Number((members?.[0] ?? item).slice(1))]!;
  if (members) {
    const end = tail(snapshot.scopes[Number(members[members.length - 1]!.slice(1))]!.path);
    return [`${tail(scope.path)} … ${scope.repeat ? end.replace(/^(turn|block) /, "") : end}`, `${scope.cls} × ${members.length}`];
  }
  const name = scopeName(scope);
  return [name, ((scope.cls !== name ? scope.cls : "") + ((scope.call ?? 1) > 1 ? ` call ${scope.call}` : "")).trim()];
}

/** The nodes in a module or stack, at any depth. */
export function inside(snapshot: Snapshot, plan: Plan, item: string): number[] {
  const scopes = new Set((plan.stacks[item] ?? [item]).map((s) => Number(s.slice(1))));
  for (const scope of snapshot.scopes) if (scope.parent !== undefined && scopes.has(scope.parent)) scopes.add(scope.id);
  return snapshot.nodes.filter((n) => n.scope !== undefined && scopes.has(n.scope)).map((n) => n.id);
}

export function scopeFamily(snapshot: Snapshot, members: number[]): Family {
  const found = new Set(members.map((i) => snapshot.nodes[i]!).filter((n) => n.kind === "op").map((n) => n.family ?? "point"));
  return (["linear", "reduce", "random", "point", "shape"] as Family[]).find((f) => found.has(f)) ?? "shape";
}

/** The card of a folded module or stack: its output's shape, the norm of its parameters' gradients; without parameters, that of its result. */
export function scopeCard(snapshot: Snapshot, plan: Plan, item: string, members: number[], grads: boolean): Card {
  const stack = plan.stacks[item];
  const scope = snapshot.scopes[Number((stack?.[stack.length - 1] ?? item).slice(1))]!;
  const [name, op] = scopeTitle(snapshot, plan, item);
  const rows: Card["rows"] = [];
  if (scope.shape !== undefined) rows.push({ text: sizeText(scope.shape), tone: "ink" });
  if (grads) {
    const parameters = members.map((i) => snapshot.nodes[i]!).filter((n) => n.kind === "parameter");
    const norms = parameters.filter((n) => n.grad).map((n) => float(n.grad!.norm) ?? Math.abs(float(n.grad!.number) ?? 0));
    if (norms.length) rows.push({ text: `∂ ${number(Math.hypot(...norms))}`, tone: "grad" });
    else if (parameters.length) {
      if (snapshot.backward === "none") rows.push({ text: "∂ not yet", tone: "soft" });
    } else { // no parameter: what arrived at its result
      const end = members.map((i) => snapshot.nodes[i]!).filter((n) => n.kind === "op" && n.grad).pop();
      if (end) rows.push({ text: `∂ ${scalarText(end.grad!)}`, tone: "grad" });
    }
  }
  return measured({ family: scopeFamily(snapshot, members), glyph: "▸", name: shorten(name, 24), op: shorten(op, 22), rows, bold: true, sheets: stack ? 2 : 0, square: false, failed: !!scope.error });
}

/** Draw a card into a new group at the origin. */
export function drawCard(card: Card): SVGGElement {
  const group = svg("g");
  const edge = color(card.failed ? "grad" : card.family), tint = color(card.failed ? "grad-bg" : `${card.family}-bg`);
  const rx = card.square ? 2 : 6;
  for (let k = card.sheets; k > 0; k--) group.append(svg("rect", { x: 4 * k, y: 4 * k, width: card.w, height: card.h, rx, style: `fill:${tint};stroke:${edge}`, "stroke-opacity": 0.45 }));
  group.append(svg("rect", { class: "face", width: card.w, height: card.h, rx, style: `fill:${tint};stroke:${edge}`, "stroke-width": card.failed ? 2 : 1, "stroke-dasharray": card.dashed ? "4 3" : null }));
  group.append(svg("text", { x: 10, y: 19, "font-size": 13, "font-weight": 700, style: `fill:${edge}` }, card.glyph));
  group.append(svg("text", { x: card.nameX, y: 19, "font-size": 12.5, "font-weight": card.bold ? 650 : 400 }, card.name));
  if (card.op) group.append(svg("text", { x: card.w - 9, y: 19, "font-size": 11, "text-anchor": "end", style: `fill:${color("soft")}` }, card.op));
  card.rows.forEach((row, i) => {
    group.append(svg("text", { class: "m", x: 10, y: 38 + 17 * i, "font-size": 12, style: `fill:${color(row.tone)}` }, row.text));
    const bins = i ? card.gradBins : card.bins;
    if (bins) group.append(strip(bins, card.w - 48, 28 + 17 * i, color(i ? "grad" : card.family)));
  });
  return group;
}

/** A small histogram: how the numbers of a tensor are spread. */
function strip(bins: number[], x: number, y: number, fill: string): SVGElement {
  const most = Math.max(...bins, 1), step = 38 / bins.length;
  const path = bins.map((n, i) => (n ? `M${(x + i * step).toFixed(1)},${y + 12}v${(-Math.max(1, (12 * n) / most)).toFixed(1)}h${Math.max(0.8, step - 0.4).toFixed(1)}V${y + 12}z` : "")).join("");
  return svg("path", { d: path, style: `fill:${fill}`, opacity: 0.8, "aria-hidden": "true" });
}
