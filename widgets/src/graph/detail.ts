// What is known about one node, on demand: formulas, numbers, what it keeps for its backward pass.

import { html, tool } from "../common/dom";
import { count, number } from "../common/format";
import { float, type NodeInfo, type Snapshot, type Value } from "../common/model";
import { bytes, labelOf, shapeText } from "../common/words";
import { math } from "./math";

/** The parts of the detail box; `runHere` offers to step to this node. */
export function detail(snapshot: Snapshot, node: NodeInfo, runHere: (() => void) | null): Node[] {
  const parts: Node[] = [];
  const formulas = html("div", { class: "adl-formula" });
  if (node.latex) formulas.append(html("div", {}, html("span", { class: "soft" }, `${node.op}  `), math(node.latex)));
  for (const edge of snapshot.edges) {
    if (edge.target !== node.id || !edge.latex || edge.grad === false) continue;
    formulas.append(html("div", {}, html("span", { class: "soft" }, `∂/∂${edge.slot} (${labelOf(snapshot.nodes[edge.source]!)})  `), math(edge.latex)));
  }
  if (formulas.childNodes.length) parts.push(formulas);
  const table = html("table", {});
  const row = (name: string, value: string) => value && table.append(html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, value)));
  row("operator", node.op ?? "");
  row("shape", `${shapeText(node.shape)} ${node.dtype ?? ""}${node.device && node.device !== "cpu" ? ` on ${node.device}` : ""}`);
  row("value", spell(node.value));
  row("gradient", spell(node.grad));
  const saved = node.saved ?? [];
  if (saved.length) row("keeps for backward", saved.map((s) => `${s.name}${s.shape.length ? ` ${shapeText(s.shape)}` : ""} (${bytes(s.bytes)})`).join(", "));
  if (node.hooks) row("hooks", count(node.hooks, "hook"));
  if (node.inplace) row("in place", "it wrote into its input");
  if (node.layer) row("layer", "made by a backward pass");
  if (table.childNodes.length) parts.push(table);
  if (runHere) parts.push(tool("Run to here", runHere, { title: "Replay the backward pass up to this node" }));
  return parts;
}

/** A value in full: the number, or all small numbers, or a summary. */
function spell(value: Value | undefined): string {
  if (!value) return "";
  if (value.text) return value.text;
  if (value.number !== undefined) return String(float(value.number)) + (value.imag !== undefined ? ` + ${float(value.imag)}j` : "");
  const bad = [value.nans ? count(value.nans, "NaN") : "", value.infs ? count(value.infs, "infinity").replace("infinitys", "infinities") : ""].filter(Boolean).join(", ");
  const range = `${number(float(value.low))} … ${number(float(value.high))}, mean ${number(float(value.mean))}, norm ${number(float(value.norm))}`;
  const items = value.items?.length ? `[${value.items.slice(0, 12).map((v) => number(float(v))).join(", ")}${value.items.length > 12 ? ", …" : ""}]` : "";
  return [items || range, bad].filter(Boolean).join(", ");
}
