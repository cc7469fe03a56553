// Entry of the Diff widget: for anywidget in a notebook, and by itself in a saved HTML file.

import "../common/index.css";
import "../graph/graph.css";
import "./diff.css";
import type { AnyModel } from "@anywidget/types";
import { failure } from "../common/dom";
import { mountSaved } from "../common/saved";
import { DiffPanel, type Memory } from "./panel";

interface Model { payload: string; memory: Memory }

function render({ model, el }: { model: AnyModel<Model>; el: HTMLElement }): () => void {
  try {
    const root = document.createElement("div");
    el.append(root);
    const panel = new DiffPanel(root, (memory) => model.set("memory", memory), model.get("memory") ?? {});
    panel.load(model.get("payload"));
    return () => panel.stop();
  } catch (error) {
    failure(el, "The difference", error);
    return () => {};
  }
}

mountSaved("diff", (root, data) => new DiffPanel(root, () => {}).load(data));

export default { render };
