// Formulas: the small part of LaTeX that operators use, as MathML, which browsers draw themselves. Text stays text.

const NS = "http://www.w3.org/1998/Math/MathML";
const SYMBOLS: Record<string, string> = {
  cdot: "·", times: "×", partial: "∂", sum: "∑", prod: "∏", int: "∫", infty: "∞", alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", varepsilon: "ε",
  lambda: "λ", mu: "μ", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", phi: "φ", Phi: "Φ", theta: "θ", omega: "ω", eta: "η", nu: "ν", xi: "ξ", Gamma: "Γ", Delta: "Δ", Sigma: "Σ", Lambda: "Λ",
  psi: "ψ", Psi: "Ψ", zeta: "ζ", chi: "χ", kappa: "κ", le: "≤", leq: "≤", ge: "≥", geq: "≥", ne: "≠", neq: "≠", approx: "≈", pm: "±", mp: "∓", in: "∈", notin: "∉", to: "→", rightarrow: "→", mapsto: "↦", leftarrow: "←",
  odot: "⊙", otimes: "⊗", oplus: "⊕", circ: "∘", ast: "∗", star: "⋆", lfloor: "⌊", rfloor: "⌋", lceil: "⌈", rceil: "⌉", langle: "⟨", rangle: "⟩", lvert: "|", rvert: "|", lVert: "‖", rVert: "‖", Vert: "‖", vert: "|",
  ldots: "…", cdots: "⋯", dots: "…", mid: "|", land: "∧", lor: "∨", neg: "¬", lnot: "¬", top: "⊤", quad: " ", qquad: "  ", forall: "∀", nabla: "∇", ll: "≪", gg: "≫", equiv: "≡", sim: "∼", prime: "′", cup: "∪", cap: "∩", dagger: "†", div: "÷", colon: ":", lbrace: "{", rbrace: "}", setminus: "∖", wedge: "∧", vee: "∨", oint: "∮", hbar: "ℏ", ell: "ℓ", Re: "Re", Im: "Im", propto: "∝", subset: "⊂",
};
const FUNCTIONS = new Set(["tanh", "sinh", "cosh", "sin", "cos", "tan", "exp", "log", "ln", "max", "min", "arcsin", "arccos", "arctan", "det", "arg", "sup", "inf", "lim", "gcd", "operatorname", "Pr", "sec", "coth"]);
const SPACES = new Set([",", ";", ":", "!", " ", "quad", "qquad"]);
const ACCENTS: Record<string, string> = { bar: "¯", hat: "^", tilde: "~", overline: "¯", vec: "→", dot: "˙", widehat: "^", widetilde: "~" };

function m(tag: string, ...children: (Element | string)[]): Element {
  const element = document.createElementNS(NS, tag);
  element.append(...children);
  return element;
}

/** A formula as MathML. What the reader does not know is shown as it was written. */
export function math(latex: string): Element {
  const tokens = latex.match(/\\[a-zA-Z]+|\\.|[{}^_&]|\d+(?:\.\d+)?|\s+|[^\s]/gu) ?? [];
  let at = 0;

  const group = (until?: string): Element => {
    const row = m("mrow");
    while (at < tokens.length && tokens[at] !== until) {
      const part = item();
      if (part) row.append(part);
    }
    at++;
    return row;
  };
  const argument = (): Element => {
    while (/^\s/.test(tokens[at] ?? "")) at++;
    return atom() ?? m("mrow");
  };
  const raw = (): string => {
    while (/^\s/.test(tokens[at] ?? "")) at++;
    if (tokens[at] !== "{") return tokens[at++] ?? "";
    let depth = 0, text = "";
    do {
      const token = tokens[at++] ?? "}";
      if (token === "{") depth++;
      if (token === "}") depth--;
      if (!(token === "{" && depth === 1) && depth > 0) text += token;
    } while (depth > 0 && at < tokens.length);
    return text;
  };
  const atom = (): Element | undefined => {
    const token = tokens[at++]!;
    if (/^\s/.test(token)) return undefined;
    if (token === "{") return group("}");
    if (token === "}" || token === "&") return undefined;
    if (token[0] === "\\") return command(token.slice(1));
    if (/^\d/.test(token)) return m("mn", token);
    if (/^\p{L}/u.test(token)) return m("mi", token);
    return m("mo", token === "-" ? "−" : token === "*" ? "∗" : token === "'" ? "′" : token);
  };
  const command = (name: string): Element | undefined => {
    if (name === "frac" || name === "tfrac" || name === "dfrac") return m("mfrac", argument(), argument());
    if (name === "sqrt") {
      if (tokens[at] === "[") {
        at++;
        const index = group("]");
        return m("mroot", argument(), index);
      }
      return m("msqrt", argument());
    }
    if (name === "operatorname" || ["text", "mathrm", "textrm", "mathsf", "mathtt", "texttt"].includes(name)) {
      if (tokens[at] === "*") at++;
      return m(name === "text" ? "mtext" : "mi", raw());
    }
    if (["mathbf", "mathbb", "mathcal", "boldsymbol", "displaystyle", "textstyle", "limits", "nolimits", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "mathit"].includes(name)) {
      return name.startsWith("math") || name === "boldsymbol" ? argument() : undefined;
    }
    if (name === "left" || name === "right") return tokens[at] === "." ? (at++, undefined) : atom();
    if (name in ACCENTS) {
      const over = m("mover", argument(), m("mo", ACCENTS[name]!));
      over.setAttribute("accent", "true");
      return over;
    }
    if (name === "begin") return environment(raw());
    if (FUNCTIONS.has(name)) return m("mi", name);
    if (SPACES.has(name)) return m("mtext", "\u2009");
    if (name === "{" || name === "}") return m("mo", name);
    if (name === "|") return m("mo", "‖");
    return name in SYMBOLS ? m(/^[a-zA-Z]/.test(SYMBOLS[name]!) || /\p{L}/u.test(SYMBOLS[name]!) ? "mi" : "mo", SYMBOLS[name]!) : m("mtext", name.length > 1 ? `\\${name}` : name);
  };
  const environment = (name: string): Element => {
    const table = m("mtable");
    let row = m("mtr"), cell = m("mtd");
    while (at < tokens.length) {
      const token = tokens[at]!;
      if (token === "\\end") {
        at++;
        raw();
        break;
      }
      if (token === "&" || token === "\\\\") {
        at++;
        row.append(cell);
        cell = m("mtd");
        if (token !== "&") {
          table.append(row);
          row = m("mtr");
        }
        continue;
      }
      const part = item();
      if (part) cell.append(part);
    }
    row.append(cell);
    table.append(row);
    return name === "cases" ? m("mrow", m("mo", "{"), table) : table;
  };
  const item = (): Element | undefined => {
    const base = atom();
    let below: Element | undefined, above: Element | undefined;
    for (;;) {
      if (tokens[at] === "_" && !below) {
        at++;
        below = argument();
      } else if (tokens[at] === "^" && !above) {
        at++;
        above = argument();
      } else break;
    }
    if (!below && !above) return base;
    const ground = base ?? m("mrow");
    return below && above ? m("msubsup", ground, below, above) : below ? m("msub", ground, below) : m("msup", ground, above!);
  };

  const root = m("math");
  root.append(group());
  return root;
}
