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
 * An exponential moving average without the bias towards the start; what is not finite is passed over.
 * `amount` is meant for a picture of some 400 points: over more of them it reaches wider, so that a long run stays readable.
 */
export function smooth(values: ArrayLike<number>, wanted: number): Float64Array {
  const amount = wanted ** (1 / (1 + values.length / 400));
  const out = new Float64Array(values.length);
  let total = 0;
  let weight = 0;
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    if (Number.isFinite(value)) {
      total = amount * total + (1 - amount) * value;
      weight = amount * weight + (1 - amount);
    }
    out[k] = weight ? total / weight : NaN;
  }
  return out;
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

/** Whether a logarithmic axis shows these values better: all positive and over more than one and a half decades. */
export function wantsLog(columns: ArrayLike<number>[]): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (const values of columns) {
    for (let k = 0; k < values.length; k++) {
      const value = values[k]!;
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > 0 && high / low > 30;
}

/** Columns over one axis, as uPlot wants them: the union of all x, and null where a curve has no point. */
export function aligned(curves: { x: number[]; y: (number | null)[] }[]): [number[], ...(number | null | undefined)[][]] {
  const axis = [...new Set(curves.flatMap((curve) => curve.x))].sort((a, b) => a - b);
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

/** Move label positions (sorted by `y`) so far apart that none covers another. */
export function apart(ends: { y: number }[], gap: number): void {
  ends.sort((a, b) => a.y - b.y);
  for (let round = 0; round < 20; round++) {
    for (let k = 1; k < ends.length; k++) {
      const short = gap - (ends[k]!.y - ends[k - 1]!.y);
      if (short <= 0) continue;
      ends[k - 1]!.y -= short / 2;
      ends[k]!.y += short / 2;
    }
  }
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
