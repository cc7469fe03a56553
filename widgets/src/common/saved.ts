// In a saved file: every `<script type="application/json" data-autodiff-lab="graph">` becomes a panel.

/** Put a panel where the still picture stands, with the data beside it. */
export function mountSaved(widget: string, mount: (root: HTMLElement, data: string) => void): void {
  for (const data of document.querySelectorAll<HTMLScriptElement>(`script[data-autodiff-lab="${widget}"]`)) {
    if (data.dataset["mounted"]) continue;
    data.dataset["mounted"] = "yes";
    const root = document.createElement("div");
    const still = data.previousElementSibling;
    if (still?.hasAttribute("data-still")) still.replaceWith(root);
    else data.before(root);
    mount(root, data.textContent ?? "");
  }
}
