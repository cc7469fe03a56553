import { describe, expect, it } from "vitest";
import { aligned, apart, Average, blend, Column, lowerBound, smooth, thinned, tidy, travelOf, wantsLog } from "./math";
import { logTicks } from "./curves";
import { columnsOfPixels, lastNotAfter, rowsToShow } from "./flow";

describe("a column", () => {
  it("grows, and is overwritten from a position on", () => {
    const column = new Column();
    column.write(0, Array.from({ length: 1000 }, (_, k) => k));
    column.write(998, [7, 8, 9]);
    expect(column.length).toBe(1001);
    expect([...column.view.slice(-4)]).toEqual([997, 7, 8, 9]);
  });
});

describe("smoothing", () => {
  it("has no bias towards the start", () => {
    const out = smooth([2, 2, 2], 0.9);
    for (const value of out) expect(value).toBeCloseTo(2, 12);
  });
  it("passes over what is not finite", () => {
    const out = smooth([1, NaN, Infinity, 1], 0.5);
    expect([...out]).toEqual([1, NaN, NaN, 1]);
  });
  it("lies in the middle of a line that falls by a constant factor, on a logarithmic axis", () => {
    const values = Array.from({ length: 60 }, (_, k) => 2 ** -k);
    const last = (log: boolean) => smooth(values, 0.6, log)[59]!;
    expect(last(true) / values[59]!).toBeLessThan(4);
    expect(last(false) / values[59]!).toBeGreaterThan(1e3);
  });
  it("is the same when values come one by one and the newest was provisional", () => {
    const values = Array.from({ length: 300 }, (_, k) => Math.sin(k) + (k % 50 === 0 ? NaN : 0));
    const column = new Column();
    const average = new Average(0.8);
    values.forEach((value, k) => {
      column.write(k, [99]);
      average.over(column);
      column.write(k, [value]);
      average.over(column);
    });
    const whole = new Column();
    whole.write(0, values);
    expect([...average.over(column)]).toEqual([...new Average(0.8).over(whole)]);
  });
  it("reaches wider over a long run", () => {
    const noise = (n: number) => Array.from({ length: n }, (_, k) => (k % 2 ? 1 : -1));
    const swing = (values: Float64Array) => Math.abs(values[values.length - 1]! - values[values.length - 2]!);
    expect(swing(smooth(noise(20000), 0.6))).toBeLessThan(swing(smooth(noise(200), 0.6)) / 5);
  });
});

describe("thinning to pixels", () => {
  const x = Array.from({ length: 100_000 }, (_, k) => k);
  it("keeps a spike, the lowest value and the last point", () => {
    const y = x.map((k) => Math.sin(k / 900));
    y[31_415] = 50;
    y[77_777] = -50;
    const kept = thinned(x, y, 0, x.length, 500);
    expect(kept.length).toBeLessThan(1010);
    expect(kept).toContain(31_415);
    expect(kept).toContain(77_777);
    expect(kept[kept.length - 1]).toBe(99_999);
    expect([...kept].sort((a, b) => a - b)).toEqual(kept);
  });
  it("keeps every point where there is room, and looks at the chosen stretch only", () => {
    const kept = thinned(x, x, 200, 300, 500);
    expect(kept[0]).toBe(199);
    expect(kept[kept.length - 1]).toBe(300);
    expect(kept.length).toBe(102);
  });
  it("leaves at most two points a pixel of a million", () => {
    const many = Float64Array.from({ length: 1_000_000 }, (_, k) => k);
    expect(thinned(many, many, 0, many.length, 700).length).toBeLessThanOrEqual(1401);
  });
});

describe("one axis for all", () => {
  it("is the union, with gaps where a curve has no point", () => {
    const [axis, a, b] = aligned([{ x: [1, 2, 3], y: [10, null, 30] }, { x: [2, 4], y: [5, 6] }]);
    expect(axis).toEqual([1, 2, 3, 4]);
    expect(a).toEqual([10, null, 30, undefined]);
    expect(b).toEqual([undefined, 5, undefined, 6]);
  });
});

describe("scales", () => {
  it("are logarithmic for positive values over many decades", () => {
    expect(wantsLog([{ low: 0.01, high: 1 }])).toBe(true);
    expect(wantsLog([{ low: 0.5, high: 1 }])).toBe(false);
    expect(wantsLog([{ low: 0, high: 1 }])).toBe(false);
    expect(wantsLog([])).toBe(false);
  });
  it("have round ticks", () => {
    expect(logTicks(0.03, 3)).toEqual([0.05, 0.1, 0.2, 0.5, 1, 2]);
    expect(logTicks(1e-12, 1).length).toBeLessThan(8);
  });
  it("keep labels apart", () => {
    const ends = [{ y: 10 }, { y: 11 }, { y: 12 }];
    apart(ends, 14);
    expect(ends[1]!.y - ends[0]!.y).toBeGreaterThan(12);
    expect(ends[2]!.y - ends[1]!.y).toBeGreaterThan(12);
  });
});

describe("a slider's travel", () => {
  for (const [name, value] of [["lr", 0.003], ["1.0.lr", 0.5], ["betas[0]", 0.9], ["betas[1]", 0.999], ["momentum", 0], ["weight_decay", 0], ["eps", 1e-8]] as const) {
    it(`goes there and back for ${name} = ${value}`, () => {
      const travel = travelOf(name, value);
      const t = travel.toTravel(value);
      expect(t).toBeGreaterThanOrEqual(0);
      expect(t).toBeLessThanOrEqual(1);
      expect(travel.toValue(t)).toBeCloseTo(value, value < 1e-3 ? 10 : 4);
    });
  }
  it("gives few digits", () => {
    expect(tidy(0.00298371, 2)).toBe(0.003);
    expect(String(travelOf("lr", 0.01).toValue(0.63)).length).toBeLessThan(9);
  });
  it("keeps a momentum below one", () => {
    expect(travelOf("momentum", 0.9).toValue(1)).toBeLessThan(1);
  });
});

describe("rows and columns of the flow", () => {
  it("finds the last column that is not after a step", () => {
    expect(lastNotAfter([2, 4, 6], 5)).toBe(1);
    expect(lastNotAfter([2, 4, 6], 1)).toBe(-1);
    expect(lowerBound([2, 4, 6], 4)).toBe(1);
  });
  it("gives every pixel the column of the stretch it lies in, and none after the end", () => {
    expect([...columnsOfPixels(8, [2, 4, 6], 2, [0, 8])]).toEqual([0, 0, 1, 1, 2, 2, -1, -1]);
    expect([...columnsOfPixels(3, [], 1, [0, 1])]).toEqual([-1, -1, -1]);
  });
  it("shows weights first in a large model, and never leaves out a verdict", () => {
    const names = Array.from({ length: 40 }, (_, k) => `${k}.${k % 2 ? "bias" : "weight"}`);
    const shapes = names.map((_, k) => (k % 2 ? [4] : [4, 4]));
    const rows = rowsToShow(names, shapes, 8, { "31.bias": "dead" });
    expect(rows.length).toBeLessThanOrEqual(8);
    expect(rows).toContain(31);
  });
  it("blends three colours", () => {
    expect(blend([[0, 0, 0], [100, 100, 100], [200, 0, 0]], 0.5)).toEqual([100, 100, 100]);
    expect(blend([[0, 0, 0], [100, 100, 100], [200, 0, 0]], 2)[0]).toBe(200);
  });
});
