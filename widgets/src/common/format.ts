// Numbers, shapes and text as every widget writes them: four significant digits, and never a control character.

/** Four significant digits, as short as possible: 0.25, 1.333, 2.1e-4, 12400. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(value.toPrecision(size >= 1e4 ? 6 : 4)));
}

/** 12 × 64 × 64; a scalar is "scalar". */
export function shape(sizes: readonly number[]): string {
  return sizes.length ? sizes.join("×") : "scalar";
}

/** Text from outside without characters that break a document: control, unpaired surrogate, U+FFFE, U+FFFF. */
export function clean(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g, "�")
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "�");
}

/** Shorten to `most` characters with an ellipsis. */
export function shorten(text: string, most: number): string {
  const letters = [...text];
  return letters.length > most ? letters.slice(0, Math.max(1, most - 1)).join("") + "…" : text;
}

/** "1 operator", "3 operators". */
export function count(n: number, word: string): string {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}
