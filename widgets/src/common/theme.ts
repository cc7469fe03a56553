// Which theme surrounds the widget: Jupyter, VS Code, marimo, Colab, or the system. Follows it when it changes.

export type Theme = "light" | "dark";

/** The theme of the page around `element`, asked in the order in which front ends declare it. */
export function themeOf(element: Element): Theme {
  const body = document.body;
  const system = () => (window.matchMedia?.("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  if (window.matchMedia?.("(forced-colors: active)").matches) return system(); // the system's ground lies under every theme
  const jupyter = body.dataset["jpThemeLight"];
  if (jupyter !== undefined) return jupyter === "false" ? "dark" : "light";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return "dark";
  if (body.classList.contains("vscode-light")) return "light";
  if (element.closest(".dark, [theme='dark'], [data-theme='dark']:not(.adl)")) return "dark";
  if (element.closest(".light, [data-theme='light']:not(.adl)")) return "light";
  return system();
}

/** Whether the page or the system asks for more contrast. */
export function wantsContrast(): boolean {
  const name = document.body.dataset["jpThemeName"] ?? "";
  const vscode = [...document.body.classList].some((c) => c.startsWith("vscode-high-contrast"));
  return /high.contrast/i.test(name) || vscode || ["(prefers-contrast: more)", "(forced-colors: active)"].some((query) => !!window.matchMedia?.(query).matches);
}

/** True where motion should be left out. */
export function calm(): boolean {
  return !!window.matchMedia?.("(prefers-reduced-motion: reduce)").matches;
}

/** Make `root` a widget root (`.adl`) that wears the surrounding theme; returns how to stop following it. */
export function followTheme(root: HTMLElement, changed: () => void = () => {}): () => void {
  root.classList.add("adl");
  const wear = () => {
    const theme = themeOf(root.parentElement ?? root);
    const contrast = wantsContrast() ? "more" : "";
    if (root.dataset["theme"] === theme && (root.dataset["contrast"] ?? "") === contrast) return;
    root.dataset["theme"] = theme;
    if (contrast) root.dataset["contrast"] = contrast;
    else delete root.dataset["contrast"];
    changed();
  };
  wear();
  const watcher = new MutationObserver(wear);
  const filter = { attributes: true, attributeFilter: ["class", "theme", "data-theme", "data-jp-theme-light", "data-jp-theme-name"] };
  watcher.observe(document.body, filter);
  watcher.observe(document.documentElement, filter);
  const system = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"].map((query) => window.matchMedia?.(query));
  for (const query of system) query?.addEventListener?.("change", wear);
  return () => {
    watcher.disconnect();
    for (const query of system) query?.removeEventListener?.("change", wear);
  };
}
