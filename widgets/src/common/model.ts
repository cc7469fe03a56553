// The data model of recordings as it arrives from Python (autodiff_lab/record/model.py). What has its default is left out.

import type { Family } from "./tokens";

/** A float; NaN and infinities travel as strings. */
export type Float = number | "NaN" | "Infinity" | "-Infinity";

export interface Code { label: string; text: string; first_line?: number; kind?: string }
export interface Source { code: number; line: number; column: number; end_line: number; end_column: number; text?: string }
export interface Value {
  number?: Float; low?: Float; high?: Float; mean?: Float; norm?: Float;
  zeros?: number; nans?: number; infs?: number; items?: Float[]; bins?: number[]; imag?: Float; text?: string;
}
export interface Saved { name: string; shape: number[]; bytes: number; of?: number }
export interface ScopeInfo {
  id: number; path: string; cls: string; parent?: number; name?: string; call?: number; parameters?: number; shape?: number[]; error?: string; repeat?: boolean;
}
export interface NodeInfo {
  id: number; kind: "op" | "parameter" | "data"; op?: string; label?: string; family?: Family; glyph?: string; name?: string; turn?: number;
  shape?: number[]; dtype?: string; device?: string; scope?: number; source?: Source; calls?: Source[]; value?: Value; grad?: Value;
  grad_state?: "yet" | "known" | "returned" | "none" | "not asked" | "gone"; saved?: Saved[]; layer?: number; latex?: string; error?: string; inplace?: boolean; hooks?: number;
}
export interface EdgeInfo { source: number; target: number; slot?: string; latex?: string; plain?: string; local?: Float; grad?: boolean }
export interface Contribution { edge: number; value: Value }
export interface Accumulation { node: number; added: Value; before?: Value; after: Value; hooks?: number; arrived?: Value; returned?: boolean }
export interface BackwardStep { node: number; grad: Value; contributions?: Contribution[]; accumulations?: Accumulation[]; freed?: number; hooks?: number; arrived?: Value }
export interface Snapshot {
  title?: string; nodes: NodeInfo[]; edges: EdgeInfo[]; scopes: ScopeInfo[]; code: Code[]; roots: number[]; steps: BackwardStep[];
  backward: "none" | "ran" | "failed" | "gone"; passes: number; error?: string; cell?: number; created?: string; key: string;
}
export interface Plan { columns: Record<string, string[][]>; stacks: Record<string, string[]>; open: string[] }
export interface Payload { snapshot: Snapshot; plan: Plan }

/** A travelling float as a number. */
export function float(value: Float | undefined): number | undefined {
  return typeof value === "string" ? (value === "NaN" ? NaN : value === "Infinity" ? Infinity : -Infinity) : value;
}

/** Parse a payload and put back the defaults that views rely on. */
export function parsePayload(text: string): Payload {
  const payload = JSON.parse(text) as { snapshot: Partial<Snapshot>; plan: Plan };
  const given = payload.snapshot;
  const snapshot: Snapshot = {
    ...given, nodes: given.nodes ?? [], edges: given.edges ?? [], scopes: given.scopes ?? [], code: given.code ?? [], roots: given.roots ?? [],
    steps: given.steps ?? [], backward: given.backward ?? "none", passes: given.passes ?? 0, key: given.key ?? "",
  };
  for (const step of snapshot.steps) { // what stands on the node travels once
    step.grad ??= snapshot.nodes[step.node]!.grad ?? {};
    for (const into of step.accumulations ?? []) into.after ??= snapshot.nodes[into.node]!.grad ?? into.added;
  }
  return { snapshot, plan: payload.plan };
}
