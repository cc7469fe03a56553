// Pure parts of the Graph and Step widgets: the same words and places as Python, exact replay, search, camera, formulas.
import { describe, expect, test } from "vitest";
import data from "./shared.json";
import { clean, number } from "../src/common/format";
import { parsePayload, type Snapshot } from "../src/common/model";
import { facts, gradText, nodeSentence, stepFacts, stepSentence, summarySentence, valueText } from "../src/common/words";
import { sourceLine } from "../src/graph/code";
import { dot } from "../src/graph/download";
import { math } from "../src/graph/math";
import { curve, parentsOf, place, settle } from "../src/graph/place";
import { find } from "../src/graph/search";
import { fitted, reveal, zoomed } from "../src/graph/viewport";
import { firstBad, stateAt } from "../src/step/replay";

interface Shared { payload: object; nodes: string[]; cards: string[][]; steps: string[]; summary: string; facts: string; boxes: Record<string, number[]>; wires: [string, string, number[][]][] }
const shared = data as unknown as Record<string, Shared>;
const examples = Object.entries(shared).map(([name, of]) => ({ name, of, ...parsePayload(JSON.stringify(of.payload)) }));
const board = examples[0]!.snapshot;

describe.each(examples)("like Python: $name", ({ of, snapshot, plan }) => {
  test("sentences", () => {
    expect(snapshot.nodes.map((n) => nodeSentence(snapshot, n))).toEqual(of.nodes);
    expect(snapshot.nodes.map((n) => [valueText(n), gradText(n, snapshot.backward)])).toEqual(of.cards);
    expect(snapshot.steps.map((_, k) => stepSentence(snapshot, k + 1))).toEqual(of.steps);
    expect([summarySentence(snapshot), facts(snapshot)]).toEqual([of.summary, of.facts]);
  });
  test("places", () => {
    const picture = place(plan, parentsOf(snapshot, plan), snapshot.edges, new Set(plan.open), (item) => ({ w: 100 + item.length, h: 60 }), () => 30);
    const round = (v: number) => Math.round(v * 1000) / 1000;
    for (const [item, box] of Object.entries(of.boxes)) {
      const here = picture.boxes.get(item)!;
      [here.x, here.y, here.w, here.h].forEach((v, i) => expect(v).toBeCloseTo(box[i]!, 2));
    }
    expect(picture.boxes.size).toBe(Object.keys(of.boxes).length);
    const flat = (wires: [string, string, number[][]][]) => wires.map(([a, b, points]) => [a, b, points.map((p) => p.map((v) => Math.round(v)))]);
    expect(flat(picture.wires.map((w) => [w.source, w.target, w.points.map((p) => p.map(round))]))).toEqual(flat(of.wires));
  });
});

describe("replay", () => {
  test("nothing has arrived before the first step", () => expect(stateAt(board, 0).grads.size).toBe(0));
  test("after each step the board's numbers", () => {
    const grads = (k: number) => Object.fromEntries([...stateAt(board, k).grads].map(([node, v]) => [node, v.number]));
    expect(grads(1)).toEqual({ 5: 1, 4: 10 });
    expect(grads(2)).toEqual({ 5: 1, 4: 10, 2: 10, 3: 10 });
    expect(grads(3)).toEqual({ 5: 1, 4: 10, 2: 10, 3: 10, 0: 30 });
    expect(stateAt(board, 2).current).toBe(4);
  });
  test("back is as exact as forward", () => {
    const there = [0, 1, 2, 3].map((k) => stateAt(board, k)), back = [3, 2, 1, 0].map((k) => stateAt(board, k)).reverse();
    expect(back).toEqual(there);
  });
  test("stops at NaN, infinity and beyond a bound", () => {
    expect(firstBad(board, 0)).toBeUndefined();
    expect(firstBad(board, 0, 9)).toBe(0);
    const bad: Snapshot = { ...board, steps: board.steps.map((s, i) => (i === 1 ? { ...s, grad: { number: "NaN" as const } } : s)) };
    expect(firstBad(bad, 0)).toBe(1);
    expect(firstBad(bad, 2)).toBeUndefined();
  });
  test("sums at fan-out, and says what is still to come", () => {
    const fan: Snapshot = {
      ...board, nodes: [{ id: 0, kind: "op", shape: [] }, { id: 1, kind: "op", shape: [] }, { id: 2, kind: "op", shape: [] }, { id: 3, kind: "op", shape: [] }],
      edges: [{ source: 0, target: 1 }, { source: 0, target: 2 }, { source: 1, target: 3 }, { source: 2, target: 3 }],
      steps: [
        { node: 3, grad: { number: 1 }, contributions: [{ edge: 2, value: { number: 2 } }, { edge: 3, value: { number: 3 } }] },
        { node: 2, grad: { number: 3 }, contributions: [{ edge: 1, value: { number: 4 } }] },
        { node: 1, grad: { number: 2 }, contributions: [{ edge: 0, value: { number: 5 } }] },
        { node: 0, grad: { number: 9 } },
      ],
    };
    expect([stateAt(fan, 2).grads.get(0)!.number, stateAt(fan, 2).partial.has(0)]).toEqual([4, true]);
    expect([stateAt(fan, 3).grads.get(0)!.number, stateAt(fan, 3).partial.has(0)]).toEqual([9, false]);
  });
});

describe("places", () => {
  test("settle keeps order and distance, and goes no further than needed", () => {
    expect(settle([0, 0], [1, 1], [20, 20])).toEqual([-18, 18]);
    expect(settle([0, 100], [1, 1], [20, 20])).toEqual([0, 100]);
  });
  test("a curve leaves and arrives horizontally", () => expect(curve([[0, 0], [100, 50]])).toBe("M0,0C50,0 50,50 94,50"));
});

describe("camera", () => {
  test("never larger than life, never below what is legible", () => {
    expect(fitted(100, 50, 900, 300).zoom).toBe(1);
    expect(fitted(9000, 50, 900, 300, 0.5).zoom).toBe(0.5);
  });
  test("zoom keeps the point under the pointer", () => {
    const camera = zoomed({ x: 10, y: 20, zoom: 1 }, 2, 110, 120);
    expect([camera.x, camera.y, camera.zoom]).toEqual([-90, -80, 2]);
  });
  test("reveal moves only if it must", () => {
    const camera = { x: 0, y: 0, zoom: 1 };
    expect(reveal(camera, { x: 100, y: 100, w: 50, h: 50 }, 900, 300)).toEqual(camera);
    expect(reveal(camera, { x: 2000, y: 100, w: 50, h: 50 }, 900, 300).x).toBe(900 - 24 - 2050);
  });
});

test("search prefers names, then operators, then the rest", () => {
  const { snapshot, plan } = examples.find((e) => e.name === "transformer")!;
  expect(find(snapshot, plan, "loss")[0]).toBe(`n${snapshot.nodes.length - 1}`);
  expect(find(snapshot, plan, "h.2").every((item) => item[0] === "s" || item[0] === "n")).toBe(true);
  expect(find(snapshot, plan, "nowhere")).toEqual([]);
});

test("numbers have four digits at most, and never lose their meaning", () => {
  expect([0.00021, 10, 1 / 3, -1.5e-7, 1e20, NaN, Infinity, -0, 123456.789].map(number)).toEqual(["2.1e-4", "10", "0.3333", "-1.5e-7", "1e20", "NaN", "∞", "-0", "123457"]);
});

test("text from outside can't break a document", () => expect(clean("a\u0000\ufffe\ud800b\u{1F600}")).toBe("a���b\u{1F600}"));

test("formulas become MathML; what is unknown stays text", () => {
  expect(math(String.raw`\frac{1}{1 + e^{-x}}`).querySelector("mfrac msup")).not.toBeNull();
  expect(math(String.raw`\begin{cases} x & c \\ y & \text{else} \end{cases}`).querySelectorAll("mtr").length).toBe(2);
  expect(math("<img onerror=1>").querySelector("img")).toBeNull();
});

test("the source line marks the node's own part", () => {
  const line = document.createElement("div");
  line.append(...sourceLine(board, board.nodes[4]!));
  expect(line.querySelector("mark")!.textContent).toBe("w * x + b");
  expect(line.textContent).toContain("← w * x + b, line 1");
});

test("DOT text quotes what the learner wrote", () => {
  const evil: Snapshot = { ...board, nodes: board.nodes.map((n) => ({ ...n, name: '"];x\\' })) };
  expect(dot(evil)).toContain('label="\\"];x\\\\');
});

test("a step tells sums at fan-out, hooks, and what was kept", () => {
  const { snapshot } = examples.find((e) => e.name === "hooked")!;
  expect(stepSentence(snapshot, 3)).toContain("receives 10, which its 2 hooks turned into 5, and sends");
  expect(stepSentence(snapshot, 2)).toContain("b was asked for: 10 is returned, and b.grad is left alone.");
  expect(stateAt(snapshot, 2).grads.get(2)).toEqual({ number: 10 }); // what arrived; the hooks run with its own step
  expect(stateAt(snapshot, 3).grads.get(2)).toEqual({ number: 5 });
  const kept = { ...snapshot, nodes: snapshot.nodes.map((n) => (n.id === 5 ? { ...n, saved: [{ name: "input", shape: [], bytes: 4 }] } : n)) };
  expect(stepFacts(kept, 1)).toBe("For this it had kept input (4 B), which can go now.");
});
