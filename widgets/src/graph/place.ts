// From a plan to coordinates: sizes of cards and boxes, x by columns, y by the places of the neighbours.
// Python does the same with the same numbers (autodiff_lab/export/place.py); a test compares them.

import type { EdgeInfo, Plan, Snapshot } from "../common/model";

const GAP_Y = 16, GAP_X = 44, PAD = 14, HEAD = 32, BEND = 12, SWEEPS = 8;

export interface Box { item: string; x: number; y: number; w: number; h: number; open: boolean }
export interface Wire { source: string; target: string; edges: number[]; points: [number, number][] }
export interface Picture { boxes: Map<string, Box>; wires: Wire[]; width: number; height: number }
export type Size = (item: string) => { w: number; h: number };

/** The box around every item ("r" is the whole graph). */
export function parentsOf(snapshot: Snapshot, plan: Plan): Map<string, string> {
  const parents = new Map<string, string>();
  for (const s of snapshot.scopes) parents.set(`s${s.id}`, s.parent === undefined ? "r" : `s${s.parent}`);
  for (const n of snapshot.nodes) parents.set(`n${n.id}`, n.scope === undefined ? "r" : `s${n.scope}`);
  for (const [stack, members] of Object.entries(plan.stacks)) {
    parents.set(stack, parents.get(members[0]!)!);
    for (const member of members) parents.set(member, stack);
  }
  return parents;
}

/** Coordinates of everything that is visible when `opened` boxes are open. */
export function place(plan: Plan, parents: Map<string, string>, edges: EdgeInfo[], opened: Set<string>, size: Size, labelWidth: (edge: number) => number = () => 0): Picture {
  const known = new Map<string, string>();
  const visible = (item: string): string => {
    let seen = known.get(item);
    if (seen === undefined) {
      const parent = parents.get(item)!;
      if (parent === "r") seen = item;
      else {
        const outer = visible(parent);
        seen = outer === parent && opened.has(parent) ? item : outer;
      }
      known.set(item, seen);
    }
    return seen;
  };
  const groups = new Map<string, { a: string; b: string; edges: number[] }>();
  edges.forEach((edge, index) => {
    const a = visible(`n${edge.source}`), b = visible(`n${edge.target}`);
    if (a === b) return;
    const key = `${a} ${b}`, group = groups.get(key);
    if (group) group.edges.push(index);
    else groups.set(key, { a, b, edges: [index] });
  });
  const chains = new Map<string, string[]>();
  const chain = (item: string): string[] => {
    let path = chains.get(item);
    if (!path) {
      path = [];
      for (let at = item; at !== "r"; at = parents.get(at)!) path.push(at);
      chains.set(item, path.reverse());
    }
    return path;
  };
  const meet = (a: string, b: string): [string, string, string] => {
    const up = chain(a), down = chain(b);
    let at = 0, scope = "r";
    while (at < Math.min(up.length, down.length) - 1 && up[at] === down[at]) scope = up[at++]!;
    return [scope, up[at]!, down[at]!];
  };
  const below = (scope: string, item: string): [string, string][] => {
    const path = chain(item), start = scope === "r" ? 0 : path.indexOf(scope) + 1;
    return path.slice(start, -1).map((box, i) => [box, path[start + i + 1]!]);
  };
  const routes = new Map<string, [string, string, number][]>();
  const passing = new Map<string, Passing[]>();
  const pass = (box: string, source: string, child: string, comesIn: boolean) => {
    const list = passing.get(box);
    if (list) list.push([source, child, comesIn]);
    else passing.set(box, [[source, child, comesIn]]);
  };
  for (const { a, b, edges: indices } of groups.values()) {
    const [scope, from, to] = meet(a, b);
    const label = indices.length === 1 && a[0] === "n" && b[0] === "n" ? labelWidth(indices[0]!) : 0;
    const list = routes.get(scope);
    if (list) list.push([from, to, label]);
    else routes.set(scope, [[from, to, label]]);
    const source = `n${edges[indices[0]!]!.source}`;
    for (const [box, child] of below(scope, a)) pass(box, source, child, false);
    for (const [box, child] of below(scope, b)) pass(box, source, child, true);
  }
  const picture: Picture = { boxes: new Map(), wires: [], width: 0, height: 0 };
  const bends = new Map<string, Map<string, [number, number]>>();
  const layout = lay("r", plan, opened, size, routes, passing);
  spread(layout, 0, 0, picture, bends, "r");
  picture.width = layout.w;
  picture.height = layout.h;
  wire(plan, edges, [...groups.values()], meet, below, picture, bends);
  return picture;
}

interface Layout { w: number; h: number; items: { item: string; x: number; y: number; w: number; h: number; inner: Layout | undefined }[]; bends: Map<string, [number, number]> }
type Near = Map<string, string[]>[];
/** An edge over the border of a box: source node, child of the box, whether it comes in. */
type Passing = [source: string, child: string, comesIn: boolean];

const isBend = (item: string) => item.endsWith(">");

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function lay(scope: string, plan: Plan, opened: Set<string>, size: Size, routes: Map<string, [string, string, number][]>, passing: Map<string, Passing[]>): Layout {
  const columns = plan.columns[scope] ?? [];
  const inner = new Map<string, Layout>(), sizes = new Map<string, { w: number; h: number }>();
  const columnOf = new Map<string, number>();
  const members = columns.map((column) => new Set(column));
  columns.forEach((column, c) => {
    for (const item of column) {
      if (isBend(item)) {
        sizes.set(item, { w: 0, h: BEND });
        continue;
      }
      columnOf.set(item, c);
      if (item[0] !== "n" && opened.has(item)) {
        const layout = lay(item, plan, opened, size, routes, passing);
        inner.set(item, layout);
        sizes.set(item, layout);
      } else sizes.set(item, size(item));
    }
  });
  const gaps = columns.map(() => GAP_X);
  const left: Near = columns.map(() => new Map()), right: Near = columns.map(() => new Map());
  for (const [a, b, label] of routes.get(scope) ?? []) {
    const ca = columnOf.get(a)!, cb = columnOf.get(b)!;
    if (label && cb > 0) gaps[cb - 1] = Math.max(gaps[cb - 1]!, label + 46);
    let previous = a;
    for (let c = ca + 1; c <= cb; c++) {
      const here = c === cb ? b : members[c]!.has(a + ">") ? a + ">" : undefined;
      if (here === undefined) continue;
      push(left[c]!, here, previous);
      push(right[c - 1]!, previous, here);
      previous = here;
    }
  }
  for (const [source, child, comesIn] of passing.get(scope) ?? []) {
    const end = columnOf.get(child)!;
    let previous = comesIn ? undefined : child;
    for (let c = comesIn ? 0 : end + 1; c < (comesIn ? end + 1 : columns.length); c++) {
      const here = comesIn && c === end ? child : source + ">";
      if (!members[c]!.has(here)) continue;
      if (previous !== undefined) {
        push(left[c]!, here, previous);
        push(right[c - 1]!, previous, here);
      }
      previous = here;
    }
  }
  let x = 0;
  const xs: [number, number][] = columns.map((column, c) => {
    const width = Math.max(0, ...column.map((item) => sizes.get(item)!.w)), at = x;
    x += width + (c + 1 < columns.length ? gaps[c]! : 0);
    return [at, width];
  });
  const fresh = new Set((routes.get(scope) ?? []).map(([a]) => a)); // what has no input stands close to its use
  for (const [, b] of routes.get(scope) ?? []) fresh.delete(b);
  const centers = heights(columns, sizes, left, right);
  let low = Infinity, high = -Infinity;
  columns.forEach((column, c) => column.forEach((item, i) => {
    const half = sizes.get(item)!.h / 2;
    low = Math.min(low, centers[c]![i]! - half);
    high = Math.max(high, centers[c]![i]! + half);
  }));
  if (low === Infinity) low = high = 0;
  const pad = scope === "r" ? 0 : PAD, head = scope === "r" ? 0 : HEAD;
  const layout: Layout = { w: x + 2 * pad, h: high - low + head + (head ? pad : 0), items: [], bends: new Map() };
  columns.forEach((column, c) => column.forEach((item, i) => {
    const { w, h } = sizes.get(item)!;
    const spare = xs[c]![1] - w, at = xs[c]![0] + pad + (fresh.has(item) ? spare : spare / 2), y = centers[c]![i]! - low + head;
    if (isBend(item)) layout.bends.set(`${item.slice(0, -1)} ${c}`, [at, y]);
    else layout.items.push({ item, x: at, y: y - h / 2, w, h, inner: inner.get(item) });
  }));
  return layout;
}

function heights(columns: string[][], sizes: Map<string, { w: number; h: number }>, left: Near, right: Near): number[][] {
  const centers = columns.map((column) => {
    let y = 0;
    const row = column.map((item) => {
      const h = sizes.get(item)!.h, center = y + h / 2;
      y += h + GAP_Y;
      return center;
    });
    return row.map((c) => c - (y - GAP_Y) / 2);
  });
  const spots = columns.map((column) => new Map(column.map((item, i) => [item, i])));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0, side = forward ? left : right, step = forward ? -1 : 1;
    for (let n = 0; n < columns.length; n++) {
      const c = forward ? n : columns.length - 1 - n, beside = centers[c + step];
      if (!beside || !side[c]!.size) continue;
      const wanted = [...centers[c]!], weights = columns[c]!.map(() => 0.05);
      for (const [item, others] of side[c]!) {
        const i = spots[c]!.get(item);
        if (i === undefined) continue;
        let sum = 0, found = 0;
        for (const other of others) {
          const spot = spots[c + step]!.get(other);
          if (spot === undefined) continue;
          sum += beside[spot]!;
          found++;
        }
        if (!found) continue;
        wanted[i] = sum / found;
        weights[i] = isBend(item) ? 4 : 1;
      }
      centers[c] = settle(wanted, weights, columns[c]!.map((item) => sizes.get(item)!.h));
    }
  }
  return centers;
}

/** Places nearest to `wanted` (least squares) that keep the order and leave GAP_Y between neighbours. */
export function settle(wanted: number[], weights: number[], tall: number[]): number[] {
  const offsets: number[] = [];
  let offset = 0;
  tall.forEach((h, i) => {
    if (i) offset += tall[i - 1]! / 2 + GAP_Y + h / 2;
    offsets.push(offset);
  });
  const blocks: { mean: number; weight: number; count: number }[] = [];
  wanted.forEach((want, i) => {
    blocks.push({ mean: want - offsets[i]!, weight: weights[i]!, count: 1 });
    while (blocks.length > 1 && blocks[blocks.length - 2]!.mean > blocks[blocks.length - 1]!.mean) {
      const top = blocks.pop()!, last = blocks[blocks.length - 1]!;
      last.mean = (last.mean * last.weight + top.mean * top.weight) / (last.weight + top.weight);
      last.weight += top.weight;
      last.count += top.count;
    }
  });
  const flat: number[] = [];
  for (const block of blocks) for (let n = 0; n < block.count; n++) flat.push(block.mean);
  return flat.map((mean, i) => mean + offsets[i]!);
}

function spread(layout: Layout, x: number, y: number, picture: Picture, bends: Map<string, Map<string, [number, number]>>, scope: string): void {
  bends.set(scope, new Map([...layout.bends].map(([key, [bx, by]]) => [key, [x + bx, y + by]])));
  for (const part of layout.items) {
    picture.boxes.set(part.item, { item: part.item, x: x + part.x, y: y + part.y, w: part.w, h: part.h, open: !!part.inner });
    if (part.inner) spread(part.inner, x + part.x, y + part.y, picture, bends, part.item);
  }
}

function wire(plan: Plan, all: EdgeInfo[], groups: { a: string; b: string; edges: number[] }[], meet: (a: string, b: string) => [string, string, string], below: (scope: string, item: string) => [string, string][], picture: Picture, bends: Map<string, Map<string, [number, number]>>): void {
  const arriving = new Map<string, string[]>();
  for (const { a, b } of groups) push(arriving, b, a);
  const port = new Map<string, number>();
  const middle = (box: Box) => box.y + box.h / 2;
  for (const [b, sources] of arriving) {
    const box = picture.boxes.get(b)!;
    sources.sort((p, q) => middle(picture.boxes.get(p)!) - middle(picture.boxes.get(q)!) || picture.boxes.get(p)!.x - picture.boxes.get(q)!.x);
    const step = Math.min(12, (box.h - 16) / Math.max(1, sources.length - 1));
    sources.forEach((a, i) => port.set(`${a} ${b}`, middle(box) + (i - (sources.length - 1) / 2) * step));
  }
  const columnsOf = new Map<string, Map<string, number>>();
  const column = (scope: string, item: string): number => {
    let columns = columnsOf.get(scope);
    if (!columns) {
      columns = new Map();
      plan.columns[scope]!.forEach((items, c) => items.forEach((one) => !isBend(one) && columns!.set(one, c)));
      columnsOf.set(scope, columns);
    }
    return columns.get(item)!;
  };
  for (const { a, b, edges } of groups) {
    const from = picture.boxes.get(a)!, to = picture.boxes.get(b)!, [scope, fromChild, toChild] = meet(a, b), source = `n${all[edges[0]!]!.source}`;
    const points: [number, number][] = [[from.x + from.w, middle(from)]];
    const through = (box: string, key: string, first: number, end: number) => {
      for (let c = first; c < end; c++) {
        const bend = bends.get(box)!.get(`${key} ${c}`);
        if (bend) points.push(bend);
      }
    };
    for (const [box, child] of below(scope, a).reverse()) through(box, source, column(box, child) + 1, plan.columns[box]!.length);
    through(scope, fromChild, column(scope, fromChild) + 1, column(scope, toChild));
    for (const [box, child] of below(scope, b)) through(box, source, 0, column(box, child));
    points.push([to.x, port.get(`${a} ${b}`)!]);
    picture.wires.push({ source: a, target: b, edges, points });
  }
}

/** A smooth path through points, leaving and arriving horizontally; it ends where the arrow head begins. */
export function curve(points: [number, number][]): string {
  let [x, y] = points[0]!, path = `M${n(x)},${n(y)}`;
  points.slice(1).forEach(([x2, y2], i) => {
    const end = i === points.length - 2 ? x2 - 6 : x2, middle = (x + x2) / 2;
    path += `C${n(middle)},${n(y)} ${n(middle)},${n(y2)} ${n(end)},${n(y2)}`;
    [x, y] = [x2, y2];
  });
  return path;
}

const n = (value: number) => String(Math.round(value * 10) / 10);
