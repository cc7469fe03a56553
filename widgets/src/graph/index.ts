// Entry of the Graph widget: for anywidget in a notebook, and by itself in a saved HTML file.

import "../common/index.css";
import "./graph.css";
import type { AnyModel } from "@anywidget/types";
import { failure } from "../common/dom";
import { mountSaved } from "../common/saved";
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

mountSaved("graph", (root, data) => new GraphPanel(root, { remember: () => {} }).load(data));

export default { render };
