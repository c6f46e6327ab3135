// Draws plots with Observable Plot on a document of linkedom, and returns SVG as markup.
//
// A plot is as wide as a phone and scales up, so that its text stays readable; grids of the page place several side by
// side. Coordinates are rounded to hundredths: pages are smaller, and differences in the last bit of logarithms between
// engines do not affect them. Marks that create ids (clip, marker, tip) are not used, because ids count up within the
// process.

import type * as Plot from "@observablehq/plot";
import { html, Markup, visible, shortened, type Content } from "./html.js";
import type { ReportedRun, PageRuns } from "./content.js";

/** Width of a plot in its own units; on a phone a unit is about one pixel. */
const WIDTH = 380;

/** Colors of runs and labels: Plot's scheme observable10, which is readable on white and on black. */
export const palette = [
  "#4269d0",
  "#efb118",
  "#ff725c",
  "#6cc5b0",
  "#3ca951",
  "#ff8ab7",
  "#a463f2",
  "#97bbf5",
  "#9c6b4e",
  "#9498a0",
] as const;

/** The color of muted marks. */
export const MUTED = "var(--muted)";

/** The library Observable Plot, and a function that renders a plot with it. */
export interface Pen {
  plot: typeof Plot;
  /** @param label content of the plot, for screen readers */
  draw: (label: string, options: Plot.PlotOptions) => Markup;
}

/** Loads Plot and linkedom. This takes half a second, so it is done only when a page is written. */
export async function loadPen(): Promise<Pen> {
  const [plot, { parseHTML }] = await Promise.all([import("@observablehq/plot"), import("linkedom")]);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const draw = (label: string, options: Plot.PlotOptions): Markup => {
    const svg = plot.plot({
      width: WIDTH,
      style: { fontSize: "11px" },
      ...options,
      document: document as unknown as NonNullable<Plot.PlotOptions["document"]>,
      className: "plot",
    }) as unknown as DrawnElement;
    return new Markup(finished(svg, label));
  };
  return { plot, draw };
}

/** The vertical scale of bars that are numbered from 0, because their names may be equal. */
export function namedRows(names: readonly string[]): Plot.ScaleOptions {
  return { label: null, domain: [...names.keys()], tickFormat: (row: number) => names[row]!, tickSize: 0 };
}

interface DrawnElement {
  outerHTML: string;
  attributes: Iterable<{ name: string; value: string }>;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  remove(): void;
  querySelectorAll(selector: string): Iterable<DrawnElement>;
}

/** Cleans up the SVG: fonts are left to the page's style, numbers are rounded. */
function finished(svg: DrawnElement, label: string): string {
  for (const style of svg.querySelectorAll("style")) style.remove();
  for (const element of svg.querySelectorAll("*")) {
    // removes the ARIA attributes of the parts of the image, because the image as a whole has a label
    element.removeAttribute("aria-label");
    element.removeAttribute("aria-hidden");
    for (const { name, value } of [...element.attributes]) {
      const cut = value.replaceAll(/-?\d+\.\d{3,}(?:e[-+]?\d+)?/g, (number) =>
        String(Math.round(100 * Number(number)) / 100),
      );
      if (cut !== value) element.setAttribute(name, cut);
    }
  }
  for (const name of ["width", "height", "font-family"]) svg.removeAttribute(name);
  return visible(svg.outerHTML).replace("<svg", html`<svg role="img" aria-label="${label}"`.text);
}

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

/** @param table table of the plotted numbers, collapsed @param kind a class of the page's style */
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

/** By the run's position on the page. */
export function colorOf(runs: PageRuns, run: ReportedRun): string {
  return palette[runs.indexOf(run) % palette.length]!;
}

/** Returns the title of a run's own figure: its name, with its color if there are other runs. */
export function runTitle(runs: PageRuns, run: ReportedRun, of?: string): Markup {
  const name = shortened(run.name, 60);
  const text = of === undefined ? name : `${name} · ${of}`;
  if (runs.length === 1) return html`${of ?? name}`;
  return html`<i class="dot" style="background:${colorOf(runs, run)}"></i><span class="key">${text}</span>`;
}

/** Returns a legend of the runs; nothing if there is only one. */
export function legendOf(runs: PageRuns, shown: PageRuns = runs): Markup | undefined {
  if (runs.length === 1) return undefined;
  return legend(shown.map((run) => ({ name: run.name, color: colorOf(runs, run) })));
}
