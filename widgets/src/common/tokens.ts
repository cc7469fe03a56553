// The families of operators: their colour token, glyph and word. The same in every widget and in the static pictures.

export type Family = "param" | "data" | "linear" | "point" | "reduce" | "shape" | "random";

export interface FamilyLook {
  glyph: string;
  word: string;
}

export const FAMILIES: Record<Family, FamilyLook> = {
  param: { glyph: "◆", word: "parameter" },
  data: { glyph: "▪", word: "data" },
  linear: { glyph: "▦", word: "linear map" },
  point: { glyph: "ƒ", word: "pointwise" },
  reduce: { glyph: "Σ", word: "reduction, norm, loss" },
  shape: { glyph: "⤨", word: "shape, index" },
  random: { glyph: "⚄", word: "random" },
};

/** A colour token by name, as CSS: `color("grad")` is `var(--grad)`. */
export function color(token: string): string {
  return `var(--${token})`;
}

/** The present value of a token, for canvas: `tokenValue(root, "grad")` is `#b3261e`. */
export function tokenValue(root: Element, token: string): string {
  return getComputedStyle(root).getPropertyValue(`--${token}`).trim();
}

/** Put a colour through the browser, so that canvas and arithmetic see plain r, g, b (0 to 255). */
export function rgb(css: string): [number, number, number] {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(css);
  if (hex) {
    const h = hex[1]!.length === 3 ? [...hex[1]!].map((c) => c + c).join("") : hex[1]!;
    return [0, 2, 4].map((i) => parseInt(h.slice(i, i + 2), 16)) as [number, number, number];
  }
  const numbers = css.match(/[\d.]+/g)?.map(Number) ?? [];
  return [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0];
}
