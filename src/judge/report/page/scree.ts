// The share of the variance that each principal component explains, and the cumulative share.

import type { ReportedRun, PageRuns } from "./content.js";
import { colorOf, figure, grid, legendOf, type Section, type Pen } from "./plot.js";
import { html, htmlTable, type Markup, percent } from "./html.js";

/** Maximum number of components that are plotted as bars. */
const BARS = 40;
const LISTED = 20;

interface Scree {
  run: ReportedRun;
  components: readonly { component: number; share: number; together: number; run: string; color: string }[];
}

export function scree(pen: Pen, runs: PageRuns): Section | undefined {
  const found = runs.map((run) => screeOf(runs, run)).filter((one) => one.components.length > 0);
  if (found.length === 0) return undefined;
  const shown = found.map(({ run }) => run);
  return {
    id: "scree",
    title: "Principal components",
    lead: html`The share of the training part’s variance that each component explains, and that the first ones
    explain together.`,
    body: html`${legendOf(runs, shown)}${grid([
      screePlot(pen, found, "share", "each component"),
      screePlot(pen, found, "together", "together"),
    ])}`,
  };
}

function screeOf(runs: PageRuns, run: ReportedRun): Scree {
  const color = colorOf(runs, run);
  let together = 0;
  const components = run.lines.flatMap(({ component, explainedVarianceRatio: share }) => {
    if (typeof component !== "number" || typeof share !== "number") return [];
    together += share;
    return [{ component, share, together, run: run.name, color }];
  });
  return { run, components };
}

function screePlot(
  { plot, draw }: Pen,
  found: readonly Scree[],
  of: "share" | "together",
  title: string,
): Markup {
  const all = found.flatMap(({ components }) => components);
  const most = Math.max(...all.map(({ component }) => component));
  const asBars = found.length === 1 && most <= BARS && of === "share";
  const label = "share of the variance";
  const first = found[0]!;
  const summary = found.map(
    ({ run, components }) => `${run.name}: ${percent(components.at(-1)!.together)} in ${components.length}`,
  );
  const drawing = draw(`${label}, ${title}; ${summary.join(", ")}`, {
    height: 240,
    marginLeft: 46,
    x: {
      label: "component",
      domain: [asBars ? 0.5 : 1, most + (asBars ? 0.5 : 0)],
      ticks: Math.min(8, most),
      tickFormat: "d",
    },
    y: { label, percent: true, grid: true, zero: true, ticks: 5 },
    marks: asBars
      ? [
          plot.rectY(all, {
            x1: ({ component }) => component - 0.4,
            x2: ({ component }) => component + 0.4,
            y: "share",
            fill: "color",
            title: ({ component, share }) => `component ${component}: ${percent(share, 2)}`,
          }),
          plot.ruleY([0]),
        ]
      : [
          plot.line(all, { x: "component", y: of, z: "run", stroke: "color", strokeWidth: 2 }),
          plot.dot(most <= BARS ? all : [], { x: "component", y: of, fill: "color", r: 2.5 }),
          plot.ruleY([0]),
        ],
  });
  if (of === "share" || found.length > 1) return figure(title, drawing);
  const rows = first.components
    .slice(0, LISTED)
    .map(({ component, share, together }) => [component, percent(share, 2), percent(together, 2)]);
  return figure(title, drawing, htmlTable(["component", "share", "together"], rows));
}
