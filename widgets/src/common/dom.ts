// Building elements from data: text is always text, and no key press leaks into the notebook.

type Attributes = Record<string, string | number | boolean | null | undefined>;

const SVG = "http://www.w3.org/2000/svg";

function fill<E extends Element>(element: E, attributes: Attributes, children: (Node | string)[]): E {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** An HTML element: `html("b", {class: "g"}, "10")`. */
export function html<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], attributes, children);
}

/** A tool: a button with a word on it. */
export function tool(label: string, action: (event: MouseEvent) => void, attributes: Attributes = {}): HTMLButtonElement {
  const button = html("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", action);
  return button;
}

/**
 * Keep what happens inside a widget inside it. JupyterLab listens on the document: arrows would move the active
 * cell and `dd` would delete it. Jupyter also needs `data-lm-suppress-shortcuts`, because it listens in the capture phase.
 */
export function contain(root: HTMLElement): void {
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const type of ["keydown", "keyup", "keypress", "dblclick", "contextmenu"]) {
    root.addEventListener(type, (event) => {
      if (event instanceof KeyboardEvent && (event.ctrlKey || event.metaKey) && event.key === "s") return; // saving stays the notebook's
      event.stopPropagation();
    });
  }
}

/** Show an error in the widget's own box, in words; the page and the loop go on. */
export function failure(root: HTMLElement, what: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  root.replaceChildren(
    html("div", { class: "adl-note", role: "alert" }, html("b", {}, `${what} could not be drawn. `), message, html("br"), "Your program is not affected. The picture and the text of this output still hold."),
  );
}
