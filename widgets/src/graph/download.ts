// Taking the picture away: SVG and PNG of what is seen, DOT text, the payload as JSON. Nothing leaves the browser.

import type { Snapshot } from "../common/model";
import { labelOf } from "../common/words";

/** Offer text or a blob as a file. */
export function save(name: string, content: string | Blob, type = "text/plain"): void {
  const url = URL.createObjectURL(typeof content === "string" ? new Blob([content], { type }) : content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 5000);
}

/** The world of an on-screen SVG as a stand-alone file: styles are written into attributes. */
export function standalone(world: SVGGElement, width: number, height: number, root: HTMLElement): string {
  const copy = world.cloneNode(true) as SVGGElement;
  copy.removeAttribute("transform");
  copy.removeAttribute("style");
  const from = [world, ...world.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((source, i) => {
    const target = to[i]!;
    const style = getComputedStyle(source);
    for (const name of ["fill", "stroke", "font-size", "font-weight", "font-family", "text-anchor", "opacity", "stroke-dasharray"]) {
      const value = style.getPropertyValue(name);
      if (value && !(name === "opacity" && value === "1") && !(name === "stroke-dasharray" && value === "none")) target.setAttribute(name, value);
    }
    if (source.tagName === "g" && source !== world) {
      const moved = (source as SVGGElement).style.transform;
      const place = /translate\(([-\d.]+)px, ?([-\d.]+)px\)/.exec(moved);
      if (place) target.setAttribute("transform", `translate(${place[1]},${place[2]})`);
    }
    for (const name of [...target.attributes].map((a) => a.name)) if (/^(style|class|tabindex|role|data-|aria-)/.test(name)) target.removeAttribute(name);
  });
  const background = getComputedStyle(root).getPropertyValue("--panel");
  const text = new XMLSerializer().serializeToString(copy);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width + 32}" height="${height + 32}" viewBox="-16 -16 ${width + 32} ${height + 32}"><rect x="-16" y="-16" width="100%" height="100%" fill="${background}"/>${text.replace(' xmlns="http://www.w3.org/2000/svg"', "")}</svg>\n`;
}

/** SVG text as a PNG at twice its size. */
export async function png(text: string, width: number, height: number): Promise<Blob> {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await new Promise((done, failed) => {
    image.onload = done;
    image.onerror = () => failed(new Error("the picture is too large for this browser"));
    image.src = url;
  });
  const canvas = document.createElement("canvas");
  const scale = Math.min(2, 16000 / Math.max(width, height));
  canvas.width = (width + 32) * scale;
  canvas.height = (height + 32) * scale;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no PNG came out"))), "image/png"));
}

const quoted = (text: string) => `"${text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;

/** The graph as DOT text for Graphviz. */
export function dot(snapshot: Snapshot): string {
  const lines = ["digraph {", '  rankdir="LR"; node [shape="box", style="rounded", fontname="sans-serif"];'];
  const write = (parent: number | undefined, pad: string) => {
    for (const n of snapshot.nodes) if (n.scope === parent) lines.push(`${pad}n${n.id} [label=${quoted(`${labelOf(n)}\n${n.label ?? n.kind}`)}];`);
    for (const s of snapshot.scopes) {
      if (s.parent !== parent) continue;
      lines.push(`${pad}subgraph cluster_${s.id} {`, `${pad}  label=${quoted(`${s.path || s.name || ""} ${s.cls}`.trim())};`);
      write(s.id, pad + "  ");
      lines.push(`${pad}}`);
    }
  };
  write(undefined, "  ");
  for (const e of snapshot.edges) lines.push(`  n${e.source} -> n${e.target};`);
  return [...lines, "}", ""].join("\n");
}
