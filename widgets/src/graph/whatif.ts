// What-if: drag the value of a scalar leaf; the engine runs the recorded graph again and the picture follows.

import { html, tool } from "../common/dom";
import { number } from "../common/format";
import { float, type NodeInfo, type Snapshot } from "../common/model";
import { labelOf } from "../common/words";
import type { Host } from "./panel";

export class WhatIf {
  readonly element = html("div", { class: "adl-bar foot adl-what-bar", hidden: true });
  private readonly slider = html("input", { type: "range", step: "any" });
  private readonly exact = html("input", { type: "number", step: "any", style: "width:90px" });
  private readonly name = html("b");
  private readonly state = html("span", { class: "adl-sub", role: "status" });
  private node: NodeInfo | null = null;
  private original = new Map<number, number>();
  private key = "";
  private waiting = false;
  private next: number | null = null;

  constructor(private readonly host: Host) {
    const reset = tool("Back to the recorded value", () => this.node && this.set(this.original.get(this.node.id)!));
    this.element.append(html("span", { class: "adl-what" }, "What if ", this.name, " = ", this.exact, this.slider), reset, this.state);
    this.slider.addEventListener("input", () => this.set(Number(this.slider.value)));
    this.exact.addEventListener("change", () => this.set(Number(this.exact.value)));
  }

  /** A new snapshot came: perhaps the answer to the last question. */
  load(snapshot: Snapshot): void {
    if (snapshot.key !== this.key) {
      this.key = snapshot.key;
      this.original.clear();
      this.node = null;
      this.element.hidden = true;
    }
    for (const node of snapshot.nodes) if (this.canDrag(node) && !this.original.has(node.id)) this.original.set(node.id, float(node.value!.number)!);
    this.waiting = false;
    this.state.textContent = this.changed(snapshot) ? "What if: not what your program computed." : "";
    if (this.next !== null) {
      const value = this.next;
      this.next = null;
      this.set(value);
    }
  }

  /** The last question had no answer. */
  failed(): void {
    this.waiting = false;
    this.next = null;
    this.state.textContent = "This graph could not be run again.";
  }

  private changed(snapshot: Snapshot): boolean {
    return [...this.original].some(([id, value]) => float(snapshot.nodes[id]?.value?.number) !== value);
  }

  private canDrag(node: NodeInfo): boolean {
    return node.kind !== "op" && node.shape?.length === 0 && node.value?.number !== undefined && /float|^$/.test(node.dtype ?? "");
  }

  select(node: NodeInfo | null): void {
    this.node = node && this.canDrag(node) ? node : null;
    this.element.hidden = !this.node;
    if (!this.node) return;
    const value = float(this.node.value!.number)!, from = this.original.get(this.node.id) ?? value, reach = Math.max(1, Math.abs(from) * 2);
    this.name.textContent = labelOf(this.node);
    this.slider.min = String(from - reach);
    this.slider.max = String(from + reach);
    this.slider.value = String(value);
    this.slider.setAttribute("aria-label", `Value of ${labelOf(this.node)}`);
    this.exact.setAttribute("aria-label", `Exact value of ${labelOf(this.node)}`);
    this.exact.value = number(value);
    const offline = !this.host.send;
    this.slider.disabled = this.exact.disabled = offline;
    if (offline) this.state.textContent = "Dragging needs the running kernel: open the notebook and run the cell.";
  }

  private set(value: number): void {
    if (!this.node || !this.host.send || !Number.isFinite(value)) return;
    this.exact.value = number(value);
    this.slider.value = String(value);
    if (this.waiting) {
      this.next = value;
      return;
    }
    this.waiting = true;
    this.state.textContent = "…";
    const node = this.node.id;
    this.host.send({ do: "what_if", node, value });
    setTimeout(() => {
      if (!this.waiting) return;
      this.waiting = false;
      this.state.textContent = "The kernel is busy: this applies when the cell has ended.";
    }, 1500);
  }
}
