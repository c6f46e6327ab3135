// Building blocks of the sections of a page: figures, legends, and the table beside a plot.

import { html, shortened, type Content, type Markup } from "./html.js";
import type { ReportedRun } from "./content.js";
import { palette } from "./plot.js";

/** A section of an HTML page about runs or about a log, with its plots or tables. */
export interface Section {
  /** id of the element; links lead to it */
  id: string;
  title: string;
  /** description of the section in a sentence or two */
  lead?: Content;
  body: Markup;
  /** true if the section takes half of a wide window, next to another such section */
  isHalf?: boolean;
}

/**
 * Returns a plot with its title. @param table table of the plotted numbers, collapsed @param kind a class of the page's
 * style
 */
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

/** Places figures side by side if there is room. */
export function grid(figures: readonly Markup[]): Markup {
  return html`<div class="grid">${figures}</div> `;
}

/** A legend of names with their colors. */
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

/** Returns the color of a run, by its position on the page. */
export function colorOf(runs: readonly ReportedRun[], run: ReportedRun): string {
  return palette[runs.indexOf(run) % palette.length]!;
}

/** Returns the title of a run's own figure: its name, with its color if there are other runs. */
export function runTitle(runs: readonly ReportedRun[], run: ReportedRun, of?: string): Markup {
  const name = shortened(run.name, 60);
  const text = of === undefined ? name : `${name} · ${of}`;
  if (runs.length === 1) return html`${of ?? name}`;
  return html`<i class="dot" style="background:${colorOf(runs, run)}"></i><span class="key">${text}</span>`;
}

/** Returns a legend of the runs; nothing if there is only one. */
export function legendOf(
  runs: readonly ReportedRun[],
  shown: readonly ReportedRun[] = runs,
): Markup | undefined {
  if (runs.length === 1) return undefined;
  return legend(shown.map((run) => ({ name: run.name, color: colorOf(runs, run) })));
}
