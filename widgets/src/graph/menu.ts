// The ⋯ menu: what can be taken away from a graph, and settings. By mouse and by arrow keys.

import { html, tool } from "../common/dom";

export type Entry = { label: string; action: () => void } | "line";

export class Menu {
  readonly button: HTMLButtonElement;
  private box: HTMLElement | null = null;

  constructor(private readonly root: HTMLElement, private readonly entries: () => Entry[], private readonly hint: string) {
    this.button = tool("⋯", () => this.toggle(), { "aria-label": "Export and settings", "aria-haspopup": "menu", "aria-expanded": "false" });
    root.addEventListener("pointerdown", (event) => {
      if (this.box && !this.box.contains(event.target as Node) && event.target !== this.button) this.toggle(false);
    });
  }

  get open(): boolean {
    return !!this.box;
  }

  toggle(on = !this.box): void {
    this.box?.remove();
    this.box = null;
    this.button.setAttribute("aria-expanded", String(on));
    if (!on) return;
    const close = () => {
      this.toggle(false);
      this.button.focus();
    };
    const items: HTMLButtonElement[] = [];
    this.box = html("div", { class: "adl-menu", role: "menu", "aria-label": "Export and settings" });
    for (const entry of this.entries()) {
      if (entry === "line") {
        this.box.append(html("hr"));
        continue;
      }
      const item = tool(entry.label, () => {
        this.toggle(false);
        entry.action();
        this.button.focus();
      }, { role: "menuitem" });
      items.push(item);
      this.box.append(item);
    }
    this.box.append(html("div", { class: "soft", style: "padding:2px 9px 4px" }, this.hint));
    this.root.append(this.box);
    items[0]!.focus();
    this.box.addEventListener("keydown", (event) => {
      const at = items.indexOf(document.activeElement as HTMLButtonElement);
      if (event.key === "ArrowDown") items[(at + 1) % items.length]!.focus();
      else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length]!.focus();
      else if (event.key === "Escape") close();
      else if (event.key === "Tab") return this.toggle(false);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
}
