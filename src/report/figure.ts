// What the sections of a page are built of: figures, legends, and the table beside a drawing.

import { html, shortened, type Content, type Markup } from "./html.js";
import type { ReportedRun } from "./content.js";
import { palette } from "./plot.js";

/** A part of the page. */
export interface Section {
  /** of the element; links lead to it */
  id: string;
  title: string;
  /** what is to be seen, in a sentence or two */
  lead?: Content;
  body: Markup;
  /** takes half of a wide window, beside another that does */
  isHalf?: boolean;
}

/** A drawing under its title. @param table what it shows in numbers, folded away @param kind a class of the page's style */
export function figure(title: Content, drawing: Markup, table?: Markup, kind?: string): Markup {
  return html`<figure${kind === undefined ? undefined : html` class="${kind}"`}><figcaption>${title}</figcaption>
${drawing}
${
  table &&
  html`<details>
    <summary>in numbers</summary>
    ${table}
  </details>`
}</figure>
`;
}

/** Figures side by side where there is room. */
export function grid(figures: readonly Markup[]): Markup {
  return html`<div class="grid">${figures}</div> `;
}

/** Names with their colours. */
export function legend(entries: readonly { name: string; color: string; note?: string }[]): Markup {
  return html`<ul class="legend">
    ${entries.map(
      ({ name, color, note }) =>
        html`<li>
          <svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="4.5" fill="${color}" /></svg
          ><span class="key">${shortened(name, 40)}</span
          >${note === undefined ? undefined : html` <small>${note}</small>`}
        </li>`,
    )}
  </ul> `;
}

/** The colour of a run, by its place on the page. */
export function colorOf(runs: readonly ReportedRun[], run: ReportedRun): string {
  return palette[runs.indexOf(run) % palette.length]!;
}

/** The title of a run's own figure: its name, with its colour where there are others. */
export function runTitle(runs: readonly ReportedRun[], run: ReportedRun, of?: string): Markup {
  const name = shortened(run.name, 60);
  const text = of === undefined ? name : `${name} · ${of}`;
  if (runs.length === 1) return html`${of ?? name}`;
  return html`<i class="dot" style="background:${colorOf(runs, run)}"></i><span class="key">${text}</span>`;
}

/** Legend of the runs; nothing where there is one. */
export function legendOf(
  runs: readonly ReportedRun[],
  shown: readonly ReportedRun[] = runs,
): Markup | undefined {
  if (runs.length === 1) return undefined;
  return legend(shown.map((run) => ({ name: run.name, color: colorOf(runs, run) })));
}
