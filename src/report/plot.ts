// Draws plots with Observable Plot on a document of linkedom, and returns SVG as markup.
//
// A plot is as wide as a phone and scales up, so that its text stays readable; grids of the page place several side by
// side. Coordinates are rounded to hundredths: pages are smaller, and differences in the last bit of logarithms between
// engines do not affect them. Marks that create ids (clip, marker, tip) are not used, because ids count up within the
// process.

import type * as Plot from "@observablehq/plot";
import { html, Markup, visible } from "./html.js";

/** Width of a plot in its own units; on a phone a unit is about one pixel. */
export const WIDTH = 380;

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

type PlotModule = typeof Plot;

/** The library Observable Plot, and a function that renders a plot with it. */
export interface Pen {
  plot: PlotModule;
  /**
   * Renders a plot as SVG.
   *
   * @param label its content, for screen readers
   */
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

/** The members of linkedom's elements that are used. */
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
