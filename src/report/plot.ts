// Draws: Observable Plot on a document of linkedom → SVG as markup.
//
// A drawing is as wide as a phone and scales up, so that its text keeps a size that can be read; grids of the page place several
// side by side. Coordinates are cut to hundredths: smaller pages, and no last bit of a logarithm, which engines round differently,
// reaches them. No mark that makes ids (clip, marker, tip) is used: ids count up within the process.

import type * as Plot from "@observablehq/plot";
import { html, Markup, visible } from "./html.js";

/** The width of a drawing in its own units; on a phone about a pixel each. */
export const WIDTH = 380;

/** Colours that tell runs and labels apart: Plot's own scheme observable10, which reads on white and on black. */
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

/** The colour of what stands back. */
export const MUTED = "var(--muted)";

type PlotModule = typeof Plot;

/** Plot, and what makes a drawing of it. */
export interface Pen {
  plot: PlotModule;
  /**
   * The drawing as SVG.
   *
   * @param label what it shows, for those who cannot see it
   */
  draw: (label: string, options: Plot.PlotOptions) => Markup;
}

/** Loads Plot and a document to draw on: half a second, so only when a page is made. */
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

/** What is used of linkedom's elements. */
interface DrawnElement {
  outerHTML: string;
  attributes: Iterable<{ name: string; value: string }>;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  remove(): void;
  querySelectorAll(selector: string): Iterable<DrawnElement>;
}

/** The drawing's text: size and style left to the page, numbers cut. */
function finished(svg: DrawnElement, label: string): string {
  for (const style of svg.querySelectorAll("style")) style.remove();
  for (const element of svg.querySelectorAll("*")) {
    // parts of an image have no names of their own
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
