// Entry of the Graph widget: for anywidget in a notebook, and by itself in a saved HTML file.

import "../common/index.css";
import "./graph.css";
import type { AnyModel } from "@anywidget/types";
import { failure } from "../common/dom";
import { GraphPanel, type Memory } from "./panel";

interface Model { payload: string; memory: Memory; live: boolean }

function render({ model, el }: { model: AnyModel<Model>; el: HTMLElement }): () => void {
  try {
    const root = document.createElement("div");
    el.append(root);
    const panel = new GraphPanel(root, {
      remember: (memory) => model.set("memory", memory),
      send: (message) => model.send(message),
    }, model.get("memory") ?? {});
    const changed = () => panel.load(model.get("payload"));
    const answered = (message: { payload?: string; error?: string }) => (message.payload ? panel.load(message.payload) : message.error && panel.refused(message.error));
    model.on("change:payload", changed);
    model.on("msg:custom", answered);
    changed();
    return () => {
      model.off("change:payload", changed);
      model.off("msg:custom", answered);
      panel.stop();
    };
  } catch (error) {
    failure(el, "The graph", error);
    return () => {};
  }
}

/** In a saved file: every `<script type="application/json" data-autodiff-lab="graph">` becomes a panel. */
function mountSaved(): void {
  for (const data of document.querySelectorAll<HTMLScriptElement>('script[data-autodiff-lab="graph"]')) {
    if (data.dataset["mounted"]) continue;
    data.dataset["mounted"] = "yes";
    const root = document.createElement("div");
    const still = data.previousElementSibling;
    if (still?.hasAttribute("data-still")) still.replaceWith(root);
    else data.before(root);
    new GraphPanel(root, { remember: () => {} }).load(data.textContent ?? "");
  }
}

mountSaved();

export default { render };
