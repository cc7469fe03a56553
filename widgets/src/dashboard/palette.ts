// The colours of the theme, asked of the browser once for each drawing: every question may make it work out styles anew.

import { rgb, tokenValue } from "../common/tokens";

export class Palette {
  private readonly known = new Map<string, string>();

  constructor(private readonly root: HTMLElement) {}

  /** A drawing begins: the theme may have changed. */
  fresh(): void {
    this.known.clear();
  }

  token(name: string): string {
    let value = this.known.get(name);
    if (value === undefined) this.known.set(name, (value = tokenValue(this.root, name)));
    return value;
  }

  rgb(name: string): [number, number, number] {
    return rgb(this.token(name));
  }
}
