// The arithmetic of curves: smoothing, thinning to pixels, scales. Pure functions, the twins of record/smooth.py.

/** A growing list of numbers that can be cut and appended to without copying each time. */
export class Column {
  data: Float64Array = new Float64Array(256);
  length = 0;

  /** Write `values` from position `at` on; what stood there and after it is gone. */
  write(at: number, values: ArrayLike<number>): void {
    const end = at + values.length;
    if (end > this.data.length) {
      const larger = new Float64Array(Math.max(end, 2 * this.data.length));
      larger.set(this.data.subarray(0, this.length));
      this.data = larger;
    }
    this.data.set(values, at);
    this.length = end;
  }

  get view(): Float64Array {
    return this.data.subarray(0, this.length);
  }
}

/**
 * How much an average remembers. `wanted` is meant for a picture of some 400 points: over more of them it reaches wider,
 * so that a long run stays readable. It changes in steps of a quarter, so that a growing run is not averaged anew each time.
 */
export function reach(wanted: number, length: number): number {
  const stepped = length < 100 ? 0 : 1.25 ** Math.floor(Math.log(length) / Math.log(1.25));
  return wanted ** (1 / (1 + stepped / 400));
}

/**
 * An exponential moving average without the bias towards the start. What is not finite is passed over, and has no average itself.
 * `log`: of logarithms, so that on a logarithmic axis the line lies in the middle of what it smooths.
 */
export class Average {
  /** How many values were averaged that will not change any more; the newest few may. */
  settled = 0;
  private total = 0;
  private weight = 0;
  private out = new Float64Array(256);

  constructor(
    readonly amount: number,
    readonly log = false,
  ) {}

  over(values: Column): Float64Array {
    const { amount } = this;
    if (this.out.length < values.length) {
      const larger = new Float64Array(2 * values.length);
      larger.set(this.out);
      this.out = larger;
    }
    const checkpoint = Math.max(this.settled, values.length - 4);
    let { total, weight } = this;
    for (let k = this.settled; k < values.length; k++) {
      if (k === checkpoint) [this.total, this.weight, this.settled] = [total, weight, checkpoint];
      const value = this.log ? Math.log(values.data[k]!) : values.data[k]!;
      if (!Number.isFinite(value)) {
        this.out[k] = NaN;
        continue;
      }
      total = amount * total + (1 - amount) * value;
      weight = amount * weight + (1 - amount);
      this.out[k] = this.log ? Math.exp(total / weight) : total / weight;
    }
    return this.out.subarray(0, values.length);
  }
}

/** The average of a whole list at once. */
export function smooth(values: ArrayLike<number>, wanted: number, log = false): Float64Array {
  const column = new Column();
  column.write(0, values);
  return new Average(reach(wanted, values.length), log).over(column);
}

/** The position of the first element that is not below `x`. */
export function lowerBound(values: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The positions to draw between `from` and `to`: at most two for each pixel column, the lowest and the highest, and the last. */
export function thinned(x: ArrayLike<number>, y: ArrayLike<number>, from: number, to: number, columns: number): number[] {
  const first = Math.max(0, lowerBound(x, from) - 1);
  const last = Math.min(x.length - 1, lowerBound(x, to));
  if (last - first + 1 <= 2 * columns) return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k);
  const kept: number[] = [];
  const width = (x[last]! - x[first]!) / columns || 1;
  let column = -1;
  let low = first;
  let high = first;
  const close = () => {
    if (column < 0) return;
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  };
  for (let k = first; k <= last; k++) {
    const here = Math.min(columns - 1, Math.floor((x[k]! - x[first]!) / width));
    if (here !== column) {
      close();
      column = here;
      low = high = k;
      continue;
    }
    const value = y[k]!;
    if (value < y[low]! || Number.isNaN(y[low]!)) low = k;
    if (value > y[high]! || (Number.isNaN(value) && !Number.isNaN(y[high]!))) high = k;
  }
  close();
  if (kept[kept.length - 1] !== last) kept.push(last);
  return kept;
}

/** Whether a logarithmic axis shows these ranges better: all positive and over more than one and a half decades. */
export function wantsLog(ranges: { low: number; high: number }[]): boolean {
  const low = Math.min(...ranges.map((range) => range.low));
  const high = Math.max(...ranges.map((range) => range.high));
  return low > 0 && high / low > 30 && Number.isFinite(high);
}

/** Columns over one axis, as uPlot wants them: the union of all x, and null where a curve has no point. */
export function aligned(curves: { x: number[]; y: (number | null)[] }[]): [number[], ...(number | null | undefined)[][]] {
  const all = new Float64Array(curves.reduce((sum, { x }) => sum + x.length, 0));
  let filled = 0;
  for (const { x } of curves) {
    all.set(x, filled);
    filled += x.length;
  }
  all.sort();
  const axis: number[] = [];
  for (const x of all) if (x !== axis[axis.length - 1]) axis.push(x);
  const columns = curves.map(({ x, y }) => {
    const column: (number | null | undefined)[] = new Array(axis.length).fill(undefined);
    let k = 0;
    for (let i = 0; i < axis.length && k < x.length; i++) {
      if (axis[i] !== x[k]) continue;
      column[i] = y[k]!;
      while (k < x.length && x[k] === axis[i]) k++;
    }
    return column;
  });
  return [axis, ...columns];
}

/** Move label positions (sorted by `y`) so far apart that none covers another, and back above `bottom`. */
export function apart(ends: { y: number }[], gap: number, bottom = Infinity): void {
  ends.sort((a, b) => a.y - b.y);
  for (let round = 0; round < 20; round++) {
    for (let k = 1; k < ends.length; k++) {
      const short = gap - (ends[k]!.y - ends[k - 1]!.y);
      if (short <= 0) continue;
      ends[k - 1]!.y -= short / 2;
      ends[k]!.y += short / 2;
    }
  }
  let below = bottom;
  for (let k = ends.length - 1; k >= 0; k--, below -= gap) ends[k]!.y = Math.min(ends[k]!.y, below);
}

/** A slider's travel 0 … 1 for a setting: logarithmic where the value is positive and small, towards one for momenta. */
export interface Travel {
  toTravel(value: number): number;
  toValue(travel: number): number;
}

export function travelOf(name: string, value: number): Travel {
  const short = name.replace(/^.*\./, "");
  if (/^(betas\[|momentum|dampening|alpha|rho|beta)/.test(short) && value >= 0 && value <= 1) {
    // Equal ways for 0.9, 0.99, 0.999: the distance to one is what counts.
    const top = 1 - Math.log10(2e-4);
    return {
      toTravel: (v) => clamp((v <= 0 ? 0 : 1 - Math.log10(Math.max(1 - v, 2e-4))) / top),
      toValue: (t) => (t <= 0 ? 0 : tidy(Math.max(0, 1 - 10 ** (1 - t * top)), 4)),
    };
  }
  if (value < 0) return { toTravel: (v) => clamp((v + 10) / 20), toValue: (t) => tidy(t * 20 - 10, 3) };
  // From 0 (at the very left) over nine decades up.
  const low = value > 0 ? Math.min(-8, Math.floor(Math.log10(value)) - 1) : -8;
  const high = value > 0 ? Math.max(1, Math.ceil(Math.log10(value)) + 1) : 1;
  return {
    toTravel: (v) => (v <= 0 ? 0 : clamp(0.02 + (0.98 * (Math.log10(v) - low)) / (high - low))),
    toValue: (t) => (t < 0.02 ? 0 : tidy(10 ** (low + ((t - 0.02) / 0.98) * (high - low)), 2)),
  };
}

function clamp(t: number): number {
  return Math.min(1, Math.max(0, t));
}

/** A value with few digits, so that a slider gives 0.003 and not 0.0029837. */
export function tidy(value: number, digits: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(digits));
}

/** A colour between three, at 0, ½ and 1. */
export function blend(stops: [number, number, number][], t: number): [number, number, number] {
  const place = Math.min(0.9999, Math.max(0, t)) * (stops.length - 1);
  const k = Math.floor(place);
  const u = place - k;
  const a = stops[k]!;
  const b = stops[k + 1]!;
  return [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * u)) as [number, number, number];
}
