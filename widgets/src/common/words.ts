// What a picture says, in words. Python writes the same sentences (autodiff_lab/export/words.py); a test compares them.

import { number, shape as shapeOf } from "./format";
import { float, type EdgeInfo, type NodeInfo, type Snapshot, type Source, type Value } from "./model";

/** What to call a node: its name, else its expression if that is short, else its operator. */
export function labelOf(node: NodeInfo): string {
  if (node.name) return node.name;
  const text = node.source?.text ?? "";
  return text && text.length <= 18 && node.kind === "op" ? text : node.label || node.op || node.kind;
}

/** A scalar or, for an array, its norm. */
export function scalarText(value: Value): string {
  if (value.text) return value.text;
  const real = float(value.number), imag = float(value.imag);
  if (imag !== undefined) return `${number(real)}${imag >= 0 ? "+" : "−"}${number(Math.abs(imag))}j`;
  return number(real ?? float(value.norm));
}

export function shapeText(shape: number[] | undefined): string {
  return shape === undefined ? "several" : shapeOf(shape);
}

const isScalar = (node: NodeInfo) => node.shape !== undefined && node.shape.length === 0;

/** The row of a card under the name: the number of a scalar, the few numbers of a short vector, the shape of a tensor. */
export function valueText(node: NodeInfo): string {
  if (node.error) return "failed";
  return isScalar(node) && node.value ? scalarText(node.value) : fewText(node, node.value) || sizeText(node.shape);
}

/** The shape as it stands on a card, where a bare "3" would be read as a value. */
export function sizeText(shape: number[] | undefined): string {
  return shape?.length === 1 ? `${shape[0]} number${shape[0] === 1 ? "" : "s"}` : shapeText(shape);
}

const FEW = 4;

/** The numbers of a vector, if they are so few that a card has room for them: "[1, -2, 3]". */
export function fewText(node: NodeInfo, value: Value | undefined): string {
  const items = value?.items ?? [];
  if (node.shape?.length !== 1 || !items.length || items.length > FEW || node.dtype === "bool") return "";
  const text = `[${items.map((item) => number(float(item))).join(", ")}]`;
  return text.length <= 22 ? text : "";
}

/** The row behind ∂. Never 0 where there is no gradient. */
export function gradText(node: NodeInfo, backward: string): string {
  if (node.grad) return `∂ ${fewText(node, node.grad) || scalarText(node.grad)}`;
  if (node.grad_state === "not asked") return "∂ not asked";
  if (node.grad_state === "gone") return "∂ not kept";
  return node.grad_state === "none" && backward === "ran" ? "∂ None" : "∂ not yet";
}

/** "cell 4 line 1"; only the line where the panel already stands under that cell. */
export function placeText(snapshot: Snapshot, source: Source | undefined): string {
  if (!source) return "";
  return source.code === snapshot.cell ? `line ${source.line}` : `${snapshot.code[source.code]!.label} line ${source.line}`;
}

/** One node as a sentence: "z = u + b, line 1, value 5, gradient 10." */
export function nodeSentence(snapshot: Snapshot, node: NodeInfo): string {
  const what = labelOf(node), parts: string[] = [];
  if (node.kind === "op") {
    const text = node.source?.text ?? "";
    parts.push(text && text !== what ? `${what} = ${text}` : what === node.op ? what : `${what}, ${node.op}`);
    if (node.turn !== undefined) parts.push(`turn ${node.turn}`);
  } else parts.push(node.kind === "parameter" ? `${what}, a parameter` : `${what}, data`);
  if (node.source) parts.push(placeText(snapshot, node.source));
  if (node.error) return [...parts, `failed: ${node.error.replace(/\.$/, "")}`].join(", ") + ".";
  const few = fewText(node, node.value), fewGrad = fewText(node, node.grad);
  parts.push(few ? `value ${few}` : isScalar(node) ? (node.value ? `value ${valueText(node)}` : "scalar") : `shape ${shapeText(node.shape)}`);
  if (node.grad) parts.push(`gradient ${isScalar(node) || fewGrad ? "" : "of norm "}${fewGrad || scalarText(node.grad)}${node.grad_state === "returned" ? " (returned, not put into .grad)" : ""}`);
  else {
    const said: Record<string, string> = { "∂ not asked": "no gradient asked", "∂ None": "gradient None: the backward pass did not reach it", "∂ not yet": "no backward yet", "∂ not kept": "its gradient is no longer kept" };
    parts.push(said[gradText(node, snapshot.backward)]!);
  }
  if (node.hooks) parts.push(counted(node.hooks, "hook"));
  return parts.join(", ") + ".";
}

export function counted(n: number, word: string): string {
  return `${n.toLocaleString("en-US")} ${word}${n === 1 ? "" : "s"}`;
}

export function titleOf(snapshot: Snapshot): string {
  const root = snapshot.roots[0];
  return snapshot.title || (root !== undefined ? labelOf(snapshot.nodes[root]!) : "graph");
}

/** The line of facts beside the title. */
export function facts(snapshot: Snapshot): string {
  const parts = [counted(snapshot.nodes.filter((n) => n.kind === "op").length, "operator")];
  const modules = snapshot.scopes.filter((s) => !s.repeat), outer = modules.filter((s) => s.parent === undefined);
  if (outer.length === 1) parts.unshift(outer[0]!.cls);
  else if (modules.length) parts.push(counted(modules.filter((s) => (s.call ?? 1) === 1).length, "module"));
  if (snapshot.backward === "ran") parts.push(snapshot.passes < 2 ? "backward ran" : `backward ran ${snapshot.passes.toLocaleString("en-US")} times`);
  else parts.push(snapshot.backward === "failed" ? "backward failed" : snapshot.backward === "gone" ? "backward ran earlier" : "no backward yet");
  if (snapshot.error) parts.push("forward failed");
  return parts.join(" · ");
}

function isName(text: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text);
}

/** The name as a part of a formula: an expression goes in brackets. */
function wrapped(node: NodeInfo): string {
  const text = labelOf(node);
  return isName(text) ? text : `(${text})`;
}

/** Step `k` (from 1) of the backward pass, in words. */
export function stepSentence(snapshot: Snapshot, k: number): string {
  const step = snapshot.steps[k - 1]!, node = snapshot.nodes[step.node]!, scalar = isScalar(node);
  const hooked = !step.hooks ? "" : step.arrived ? `, which ${its(step.hooks)} turned into ${scalarText(step.grad)},` : `, seen by ${its(step.hooks)},`;
  const begin = `Step ${k} of ${snapshot.steps.length}. ${node.op || node.kind} (${labelOf(node)}) receives ${scalar ? "" : "a gradient of norm "}${scalarText(step.arrived ?? step.grad)}${hooked}`;
  const sent = step.contributions ?? [];
  if (!sent.length) return `${begin} and sends nothing on.${intoLeaves(snapshot, k)}`;
  const edges = sent.map((c) => snapshot.edges[c.edge]!);
  const called = (e: EdgeInfo) => labelOf(snapshot.nodes[e.source]!);
  const because = edges.filter((e) => (e.plain || e.local !== undefined) && !e.plain?.startsWith("conj("))
    .map((e) => `∂${wrapped(node)}/∂${wrapped(snapshot.nodes[e.source]!)} = ${e.plain || number(float(e.local))}`);
  let middle: string;
  if (scalar && edges.every((e) => e.local === 1)) {
    middle = ` and passes it on unchanged to ${sent.length === 1 ? "its input" : sent.length === 2 ? "both inputs" : "all inputs"}`;
  } else if (scalar && edges.every((e) => e.local !== undefined)) {
    middle = " and sends " + sent.map((c, i) => `${number(float(edges[i]!.local))} · ${scalarText(step.grad)} = ${scalarText(c.value)} to ${called(edges[i]!)}`).join(" and ");
  } else {
    middle = " and sends " + sent.map((c, i) => `${isScalar(snapshot.nodes[edges[i]!.source]!) ? "" : "norm "}${scalarText(c.value)} to ${called(edges[i]!)}`).join(" and ");
  }
  const reason = because.length ? `, because ${[...new Set(because)].join(" and ")}` : "";
  return `${begin}${middle}${reason}.${intoLeaves(snapshot, k)}`;
}

/** What step `k` used and let go, and which sums it added to: for the panel, behind the sentence. */
export function stepFacts(snapshot: Snapshot, k: number): string {
  const step = snapshot.steps[k - 1]!, node = snapshot.nodes[step.node]!, parts: string[] = [];
  for (const c of step.contributions ?? []) {
    const to = snapshot.edges[c.edge]!.source, earlier = snapshot.steps.slice(0, k - 1).flatMap((s) => s.contributions ?? []).filter((p) => snapshot.edges[p.edge]!.source === to);
    if (!earlier.length || snapshot.nodes[to]!.kind !== "op") continue;
    const sum = earlier.reduce((total, p) => total + (float(p.value.number) ?? NaN), 0), added = float(c.value.number) ?? NaN;
    parts.push(`${labelOf(snapshot.nodes[to]!)} gets it on top of what came before${Number.isNaN(sum + added) ? "" : `: ${number(sum)} + ${number(added)} = ${number(sum + added)}`}.`);
  }
  const saved = node.saved ?? [];
  if (saved.length) parts.push(`For this it had kept ${saved.map((s) => s.name).join(", ")}${step.freed ? ` (${bytes(step.freed)}), which can go now` : ""}.`);
  return parts.join(" ");
}

/** A size in memory: 12 B, 4.1 kB, 3 MB. */
export function bytes(n: number): string {
  return n < 1000 ? `${n} B` : n < 1e6 ? `${number(n / 1000)} kB` : `${number(n / 1e6)} MB`;
}

function intoLeaves(snapshot: Snapshot, k: number): string {
  const said = (snapshot.steps[k - 1]!.accumulations ?? []).map((a) => {
    const node = snapshot.nodes[a.node]!, name = labelOf(node);
    if (a.returned) return `${name} was asked for: ${scalarText(a.after)}${isScalar(node) ? "" : " (norm)"} is returned, and ${name}.grad is left alone.`;
    const hooked = a.hooks ? `${its(a.hooks)} ${a.arrived ? `turned ${scalarText(a.arrived)} into ${scalarText(a.added)}` : "ran"}; ` : "";
    return `${name} is a leaf: ${hooked}${name}.grad${isScalar(node) ? "" : " (norm)"} was ${a.before ? scalarText(a.before) : "None"}, now ${scalarText(a.after)}.`;
  });
  return said.length ? ` ${said.join(" ")}` : "";
}

const its = (hooks: number) => (hooks === 1 ? "its hook" : `its ${hooks} hooks`);

/** The whole picture in one or two sentences. */
export function summarySentence(snapshot: Snapshot): string {
  if (snapshot.error) return `The graph up to the operator that failed. ${snapshot.error}`;
  if (!snapshot.roots.length) return "Nothing was recorded.";
  const roots = snapshot.roots.map((place) => snapshot.nodes[place]!);
  const leaves = snapshot.nodes.filter((n) => n.kind === "parameter" && !n.layer);
  const data = snapshot.nodes.filter((n) => n.kind === "data" && !n.layer);
  const made: string[] = [];
  for (const [group, one, many] of [[leaves, "parameter", "parameters"], [data, "data leaf", "data leaves"]] as const) {
    if (!group.length) continue;
    const more = group.length <= 4 ? "" : ` and ${group.length - 4} more`;
    made.push(`${group.length} ${group.length === 1 ? one : many} (${group.slice(0, 4).map(labelOf).join(", ")}${more})`);
  }
  const told = roots.slice(0, 3).map((n) => labelOf(n) + (isScalar(n) && n.value ? ` = ${scalarText(n.value)}` : isScalar(n) ? " (a scalar)" : ` of shape ${shapeText(n.shape)}`));
  let text = roots.length > 3 ? `${told.join(", ")} and ${roots.length - 3} more` : told.join(" and ");
  text += roots.length === 1 ? " is" : " are";
  text += made.length ? ` made from ${made.join(" and ")}` : " made from nothing else";
  text += ` by ${counted(snapshot.nodes.filter((n) => n.kind === "op").length, "operator")}.`;
  const known = leaves.filter((n) => n.grad);
  if (snapshot.backward === "ran" && known.length) {
    const norm = (n: NodeInfo) => float(n.grad!.norm) ?? 0;
    if (known.slice(0, 4).every(isScalar)) {
      text += ` Gradients: ${known.slice(0, 4).map((n) => `${labelOf(n)} ${scalarText(n.grad!)}`).join(", ")}${known.length <= 4 ? "" : ", …"}.`;
    } else {
      const big = known.reduce((a, b) => (norm(b) > norm(a) ? b : a)), small = known.reduce((a, b) => (norm(b) < norm(a) ? b : a));
      text += known.length > 1
        ? ` Gradient norms reach from ${scalarText(small.grad!)} (${labelOf(small)}) to ${scalarText(big.grad!)} (${labelOf(big)}).`
        : ` ${labelOf(big)} has a gradient of norm ${scalarText(big.grad!)}.`;
    }
    const missing = leaves.filter((n) => !n.grad);
    if (missing.length) text += ` ${labelOf(missing[0]!)}${missing.length === 1 ? "" : ` and ${missing.length - 1} more`} got None.`;
  } else if (snapshot.backward === "none") text += " No backward pass has run yet, so no gradient is known.";
  return text;
}
