// The state of a backward pass after k steps, rebuilt from what the engine did. Pure: back is as exact as forward.

import { float, type Snapshot, type Value } from "../common/model";

export interface StepState {
  /** Gradient of each node as far as it has arrived. */
  grads: Map<number, Value>;
  /** Nodes to which more will still be added. */
  partial: Set<number>;
  /** Nodes whose own step has run. */
  done: Set<number>;
  /** The node of step k. */
  current: number | undefined;
  /** Edges over which step k sent something. */
  sent: Map<number, Value>;
  /** Bytes that the steps so far have freed. */
  freed: number;
}

/** Where things stand after the first `k` steps. */
export function stateAt(snapshot: Snapshot, k: number): StepState {
  const state: StepState = { grads: new Map(), partial: new Set(), done: new Set(), current: undefined, sent: new Map(), freed: 0 };
  const arrivals = new Map<number, Value[]>();
  const expected = new Map<number, number>();
  const ownStep = new Map<number, number>();
  snapshot.steps.forEach((step, i) => {
    ownStep.set(step.node, i);
    for (const c of step.contributions ?? []) {
      const to = snapshot.edges[c.edge]!.source;
      expected.set(to, (expected.get(to) ?? 0) + 1);
    }
    for (const a of step.accumulations ?? []) if (a.before && !state.grads.has(a.node)) state.grads.set(a.node, a.before);
  });
  for (let i = 0; i < k; i++) {
    const step = snapshot.steps[i]!;
    state.done.add(step.node);
    state.grads.set(step.node, step.grad);
    state.partial.delete(step.node);
    state.freed += step.freed ?? 0;
    for (const c of step.contributions ?? []) {
      const to = snapshot.edges[c.edge]!.source;
      if (i === k - 1) state.sent.set(c.edge, c.value);
      if (snapshot.nodes[to]!.kind !== "op") continue; // a leaf shows its .grad, below
      const list = [...(arrivals.get(to) ?? []), c.value];
      arrivals.set(to, list);
      const waiting = list.length < (expected.get(to) ?? 0);
      if (waiting) state.partial.add(to);
      else state.partial.delete(to);
      const own = ownStep.get(to);
      state.grads.set(to, !waiting && own !== undefined ? snapshot.steps[own]!.arrived ?? snapshot.steps[own]!.grad : sum(list));
    }
    for (const a of step.accumulations ?? []) state.grads.set(a.node, a.after);
    if (i === k - 1) state.current = step.node;
  }
  return state;
}

/** The sum of scalars; of arrays only the norm of the first is known before all have arrived. */
function sum(values: Value[]): Value {
  if (values.length === 1) return values[0]!;
  if (values.every((v) => v.number !== undefined && v.imag === undefined)) {
    return { number: values.reduce((total, v) => total + float(v.number)!, 0) };
  }
  return { text: `${values.length} parts` };
}

/** The first step at or after `from` (0-based) whose gradient is NaN, infinite, or larger than `bound`. */
export function firstBad(snapshot: Snapshot, from: number, bound = Infinity): number | undefined {
  for (let i = from; i < snapshot.steps.length; i++) {
    const step = snapshot.steps[i]!;
    const values = [step.grad, ...(step.contributions ?? []).map((c) => c.value)];
    if (values.some((v) => isBad(v, bound))) return i;
  }
  return undefined;
}

function isBad(value: Value, bound: number): boolean {
  if (value.nans || value.infs) return true;
  const size = float(value.number) ?? float(value.norm);
  return size !== undefined && (!Number.isFinite(size) || Math.abs(size) > bound);
}
