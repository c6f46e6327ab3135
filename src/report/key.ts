// A key as the page shows it: what it is called first, where a file says so, the key beside it.

import { html, shortened, type Markup } from "./html.js";

export interface ShownKey {
  key: string;
  /** what the key is called */
  name?: string | undefined;
}

/** For lists and tables. */
export function keyMarkup({ key, name }: ShownKey): Markup {
  if (name === undefined) return html`<span class="key">${shortened(key, 60)}</span>`;
  return html`<span class="key">${shortened(name, 60)} <small>${shortened(key, 40)}</small></span>`;
}

/** For the title of a mark: `Tea (85123A)`. */
export function keyTitle({ key, name }: ShownKey): string {
  return name === undefined ? shortened(key, 60) : `${shortened(name, 48)} (${shortened(key, 24)})`;
}

/** Text on a drawing, where there is room for one of them. */
export function keyLabel({ key, name }: ShownKey): string {
  return shortened((name ?? key).trim(), 24);
}
