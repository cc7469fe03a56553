// Finding nodes and modules by name, operator, module path, shape or source text.

import type { Plan, Snapshot } from "../common/model";
import { labelOf, shapeText } from "../common/words";

/** Items whose words contain every word of the query, best first; names before operators before the rest. */
export function find(snapshot: Snapshot, _plan: Plan, query: string, most = 200): string[] {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const found: { item: string; rank: number }[] = [];
  const look = (item: string, strong: string, weak: string) => {
    const all = `${strong} ${weak}`.toLowerCase(), first = strong.toLowerCase();
    if (!wanted.every((word) => all.includes(word))) return;
    found.push({ item, rank: first === query.toLowerCase() ? 0 : wanted.every((word) => first.startsWith(word)) ? 1 : wanted.every((word) => first.includes(word)) ? 2 : 3 });
  };
  for (const scope of snapshot.scopes) look(`s${scope.id}`, scope.path || scope.name || "", scope.cls);
  for (const node of snapshot.nodes) {
    look(`n${node.id}`, labelOf(node), `${node.op ?? ""} ${node.label ?? ""} ${node.source?.text ?? ""} ${shapeText(node.shape)} ${node.error ? "failed error" : ""}`);
  }
  return found.sort((a, b) => a.rank - b.rank).slice(0, most).map((f) => f.item);
}
