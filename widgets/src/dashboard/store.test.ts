import { describe, expect, it } from "vitest";
import { unpack } from "./pack";
import { Store } from "./store";

/** What widgets/live.py's `pack` makes. */
function pack(header: object, arrays: [kind: string, values: number[]][]): ArrayBuffer {
  const size: Record<string, number> = { d: 8, f: 4, i: 4, H: 2, B: 1 };
  let position = 0;
  const places = arrays.map(([kind, values]) => {
    const place = [kind, position, values.length];
    position += Math.ceil((values.length * size[kind]!) / 8) * 8;
    return place;
  });
  let text = JSON.stringify({ ...header, arrays: places });
  while ((text.length + 4) % 8) text += " ";
  const buffer = new ArrayBuffer(4 + text.length + position);
  new DataView(buffer).setUint32(0, text.length, true);
  new Uint8Array(buffer).set(new TextEncoder().encode(text), 4);
  const make: Record<string, (at: number, n: number) => Float64Array | Float32Array | Int32Array | Uint16Array | Uint8Array> = {
    d: (at, n) => new Float64Array(buffer, at, n), f: (at, n) => new Float32Array(buffer, at, n), i: (at, n) => new Int32Array(buffer, at, n),
    H: (at, n) => new Uint16Array(buffer, at, n), B: (at, n) => new Uint8Array(buffer, at, n),
  };
  arrays.forEach(([kind, values], k) => make[kind]!(4 + text.length + (places[k]![1] as number), values.length).set(values));
  return buffer;
}

const plain = { v: 1, complete: false, title: "T", stage: "running", step: 3, epoch: null, epochs: null, batch: null, ms: 1, marks: [], thinned: "",
  notes: [], verdicts: {}, settings: [], rewind: [], epochal: false };
const series = (at: number) => [{ name: "loss", kind: "step", at, stretch: 1, count: 3, best: null, x: 0, y: 1 }];

describe("unpacking", () => {
  it("reads what was packed, from a view at an odd place too", () => {
    const made = pack({ a: "é\u0001" }, [["d", [1, 2]], ["f", [3]], ["B", [4, 5, 6]]]);
    const odd = new Uint8Array(made.byteLength + 3);
    odd.set(new Uint8Array(made), 3);
    const piece = unpack<{ a: string }>(new DataView(odd.buffer, 3))!;
    expect(piece.header.a).toBe("é\u0001");
    expect(piece.arrays.map((array) => [...array])).toEqual([[1, 2], [3], [4, 5, 6]]);
  });
  it("takes nothing for nothing", () => {
    expect(unpack(new DataView(new ArrayBuffer(0)))).toBeNull();
  });
});

describe("the store", () => {
  it("puts a later piece behind an earlier one, and overwrites what was provisional", () => {
    const store = new Store();
    expect(store.apply(pack({ ...plain, series: series(0) }, [["d", [1, 2]], ["d", [0.5, 0.4]]]))).toBe(true);
    expect(store.apply(pack({ ...plain, series: series(1) }, [["d", [2, 3]], ["d", [0.3, 0.2]]]))).toBe(true);
    const curve = store.curves.get("loss")!;
    expect([...curve.x.view]).toEqual([1, 2, 3]);
    expect([...curve.y.view]).toEqual([0.5, 0.3, 0.2]);
    expect(store.valueAt(curve, 2.5)).toBe(0.3);
    expect(store.valueAt(curve, 0)).toBeNull();
  });
  it("says when something before a piece is missing", () => {
    const store = new Store();
    expect(store.apply(pack({ ...plain, series: series(5) }, [["d", [6]], ["d", [0.1]]]))).toBe(false);
  });
  it("forgets curves that a complete piece does not have", () => {
    const store = new Store();
    store.apply(pack({ ...plain, series: series(0) }, [["d", [1]], ["d", [1]]]));
    store.apply(pack({ ...plain, complete: true, series: [] }, []));
    expect(store.curves.size).toBe(0);
  });
  it("keeps what a later piece does not say again", () => {
    const store = new Store();
    store.apply(pack({ ...plain, notes: ["slow"], series: [] }, []));
    store.apply(pack({ v: 1, complete: false, step: 9, series: [] }, []));
    expect([store.head.title, store.head.notes, store.head.step]).toEqual(["T", ["slow"], 9]);
  });
  it("knows a loss that stands from one that falls", () => {
    const steps = Array.from({ length: 80 }, (_, k) => k);
    const of = (loss: (k: number) => number) => {
      const store = new Store();
      store.apply(pack({ ...plain, series: series(0) }, [["d", steps], ["d", steps.map(loss)]]));
      return store.stands();
    };
    expect([of((k) => 1 + (k % 2) / 10), of((k) => 1 + k), of(() => NaN), of((k) => 1 / (k + 1)), of((k) => -k)]).toEqual([true, true, true, false, false]);
    expect(new Store().stands()).toBe(false);
  });
  it("keeps flow columns, and starts anew when they were thinned", () => {
    const store = new Store();
    const flow = (at: number, extra: object = {}) => ({ ...plain, series: [], flow: { at, steps: 0, rms: 1, stride: 1, ...extra } });
    store.apply(pack(flow(0, { names: ["w", "b"], shapes: [[2, 2], [2]] }), [["i", [1, 2]], ["f", [1, 2, 3, 4]]]));
    store.apply(pack(flow(2), [["i", [3]], ["f", [5, 6]]]));
    expect(store.flow.columns.map((column) => [...column])).toEqual([[1, 2], [3, 4], [5, 6]]);
    store.apply(pack(flow(0, { names: ["w", "b"], shapes: [[2, 2], [2]], stride: 2 }), [["i", [2]], ["f", [3, 4]]]));
    expect([...store.flow.steps.view]).toEqual([2]);
    expect(store.flow.columns.length).toBe(1);
  });
});
