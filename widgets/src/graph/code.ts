// The source line under the picture, and the whole cell when asked: each line that made nodes can be pressed.

import { html } from "../common/dom";
import type { NodeInfo, Snapshot, Source } from "../common/model";
import { labelOf, placeText } from "../common/words";

/** One line of code with the node's part marked: `1  y = (w * x + b) ** 2   ← z, line 1`. */
export function sourceLine(snapshot: Snapshot, node: NodeInfo): (Node | string)[] {
  const source = node.source;
  if (!source) return [node.kind === "op" ? "The line that made this is not known." : `${labelOf(node)} was made before this cell, or outside of it.`];
  const lines = snapshot.code[source.code]!.text.split("\n"), first = snapshot.code[source.code]!.first_line ?? 1;
  const line = [...(lines[source.line - first] ?? "")];
  const end = source.end_line === source.line ? source.end_column : line.length;
  const strip = line.length - line.join("").trimStart().length;
  const parts: (Node | string)[] = [
    `${source.line}  `, line.slice(Math.min(strip, source.column), source.column).join(""), html("mark", {}, line.slice(source.column, end).join("")), line.slice(end).join(""),
    html("span", { class: "adl-made" }, `    ← ${labelOf(node)}, ${placeText(snapshot, source)}${calls(snapshot, node)}`),
  ];
  return parts;
}

function calls(snapshot: Snapshot, node: NodeInfo): string {
  return (node.calls ?? []).slice(0, 2).map((c) => `, called from ${placeText(snapshot, c)}`).join("");
}

/** Which nodes each line of each code made: `key(source)` to ids. */
export function nodesByLine(snapshot: Snapshot): Map<string, number[]> {
  const made = new Map<string, number[]>();
  for (const node of snapshot.nodes) {
    if (!node.source || node.layer) continue;
    for (const source of [node.source, ...(node.calls ?? [])]) {
      const key = lineKey(source);
      const list = made.get(key);
      if (list) list.push(node.id);
      else made.set(key, [node.id]);
    }
  }
  return made;
}

export const lineKey = (source: Source) => `${source.code}:${source.line}`;

/** The listing of every code that the graph came from. */
export function listing(snapshot: Snapshot, pressed: (key: string, nodes: number[]) => void): HTMLElement {
  const box = html("div", { class: "adl-code", role: "group", "aria-label": "Code that made this graph" });
  const made = nodesByLine(snapshot);
  snapshot.code.forEach((code, index) => {
    const first = code.first_line ?? 1, lines = code.text.split("\n");
    if (snapshot.code.length > 1) box.append(html("div", { class: "adl-codename" }, code.label));
    lines.forEach((text, i) => {
      const key = `${index}:${first + i}`, nodes = made.get(key) ?? [];
      const near = code.kind !== "file" || [-3, -2, -1, 0, 1, 2, 3].some((d) => made.has(`${index}:${first + i + d}`));
      if (!near) return; // of a file, only what is around the lines that were used
      const body: (Node | string)[] = [html("span", { class: "adl-no" }, String(first + i)), text || " "];
      if (nodes.length) {
        const line = html("button", { type: "button", class: "adl-line", "data-line": key, title: `Mark what this line made (${nodes.length})` }, ...body, html("span", { class: "adl-count", "aria-hidden": "true" }, String(nodes.length)));
        line.addEventListener("click", () => pressed(key, nodes));
        box.append(line);
      } else box.append(html("div", { class: "adl-line" }, ...body));
    });
  });
  return box;
}
