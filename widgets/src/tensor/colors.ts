// From a number to a colour: diverging around zero where there are negative numbers, else from light to ink. Pure.

export type Rgb = [number, number, number];

export interface Scale { low: number; high: number; signed: boolean }

/** The range of the finite numbers. */
export function scaleOf(values: ArrayLike<number>): Scale {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low > high ? { low: 0, high: 1, signed: false } : { low, high, signed: low < 0 };
}

/** The colour of a number; NaN and infinities are told apart by `bad`. */
export function colorOf(value: number, scale: Scale, zero: Rgb, neg: Rgb, pos: Rgb, ink: Rgb, bad: Rgb): Rgb {
  if (!Number.isFinite(value)) return bad;
  if (scale.signed) {
    const bound = Math.max(Math.abs(scale.low), Math.abs(scale.high)) || 1;
    return mix(zero, value > 0 ? pos : neg, Math.min(1, Math.abs(value) / bound));
  }
  return mix(zero, ink, 0.03 + 0.9 * (scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5));
}

function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * t)) as Rgb;
}

/** Statistics of a slice, as shown beside it. */
export function statistics(values: ArrayLike<number>): { min: number; max: number; mean: number; zeros: number; nans: number } {
  let min = Infinity, max = -Infinity, sum = 0, zeros = 0, nans = 0, n = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (Number.isNaN(v)) {
      nans++;
      continue;
    }
    if (v === 0) zeros++;
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    n++;
  }
  return { min: n ? min : NaN, max: n ? max : NaN, mean: n ? sum / n : NaN, zeros: values.length ? zeros / values.length : 0, nans };
}
