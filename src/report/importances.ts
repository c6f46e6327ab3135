// Feature importances of boosted trees.

import type { ReportedRun } from "./content.js";
import { colorOf, figure, grid, runTitle, type Section } from "./figure.js";
import { html, shortened, htmlTable, type Markup, percent, whole } from "./html.js";
import type { Pen } from "./plot.js";

/** Maximum number of columns that are plotted. */
const MOST = 20;
/** Maximum number of characters in a column's name next to its bar. */
const NAME = 20;
/** Maximum number of columns that are listed. */
const LISTED = 100;

type Forest = ReportedRun & Required<Pick<ReportedRun, "importances">>;

/** Plots the feature importances of the runs that have trees; undefined if no run has trees. */
export function importances(pen: Pen, runs: readonly ReportedRun[]): Section | undefined {
  const forests = runs.filter((run): run is Forest => (run.importances?.length ?? 0) > 0);
  if (forests.length === 0) return undefined;
  return {
    id: "importances",
    title: "Feature importances",
    lead: html`The share of all the loss that splits took away, by the column that they split on.`,
    isHalf: forests.length === 1,
    body: grid(forests.map((run) => importancePlot(pen, runs, run))),
  };
}

function importancePlot({ plot, draw }: Pen, runs: readonly ReportedRun[], run: Forest): Markup {
  const total = run.importances.reduce((sum, { gain }) => sum + gain, 0) || 1;
  const used = run.importances.filter(({ splits }) => splits > 0);
  const bars = used.slice(0, MOST).map(({ column, splits, gain }, i) => ({
    // rows are identified by rank, because truncated names of columns may be equal
    row: i,
    name: shortened(column, NAME),
    share: gain / total,
    text: percent(gain / total),
    title: `${shortened(column, 100)}: ${percent(gain / total, 2)} of the gain, ${whole(splits)} splits`,
  }));
  const longest = Math.max(0, ...bars.map(({ name }) => name.length));
  const drawing = draw(
    `gain by column of run ${run.name}: ${bars
      .slice(0, 3)
      .map(({ name, text }) => `${name} ${text}`)
      .join(", ")}`,
    {
      height: 30 + 21 * bars.length,
      marginTop: 4,
      marginBottom: 26,
      marginLeft: 12 + 6.6 * longest,
      marginRight: 44,
      x: { label: null, percent: true, ticks: 4, grid: true, domain: [0, 100 * (bars[0]?.share ?? 1)] },
      y: {
        label: null,
        domain: bars.map(({ row }) => row),
        tickFormat: (row: number) => bars[row]!.name,
        tickSize: 0,
      },
      marks: [
        plot.barX(bars, {
          x: "share",
          y: "row",
          fill: colorOf(runs, run),
          insetTop: 2,
          insetBottom: 2,
          title: "title",
        }),
        plot.text(bars, { x: "share", y: "row", text: "text", textAnchor: "start", dx: 4 }),
      ],
    },
  );
  const rest = used.length > MOST ? `, ${MOST} of ${whole(used.length)} columns` : "";
  const rows = run.importances
    .slice(0, LISTED)
    .map(({ column, splits, gain }) => [
      html`<span class="key">${shortened(column, 100)}</span>`,
      percent(gain / total, 2),
      whole(splits),
    ]);
  return figure(
    runTitle(runs, run, `share of the gain${rest}`),
    drawing,
    htmlTable(["column", "gain", "splits"], rows),
  );
}
