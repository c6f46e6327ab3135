// Feature importances of boosted trees.

import type { ReportedRun, PageRuns } from "./content.js";
import {
  colorOf,
  figure,
  grid,
  runTitle,
  type Section,
  legend,
  type Pen,
  namedRows,
  palette,
} from "./plot.js";
import { html, shortened, htmlTable, type Markup, percent, rangeText, whole, countText } from "./html.js";

const MOST = 20;
/** Maximum number of characters in a column's name next to its bar. */
const NAME = 20;
const LISTED = 100;

type Forest = ReportedRun & Required<Pick<ReportedRun, "importances">>;

export function importances(pen: Pen, runs: PageRuns): Section | undefined {
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

function importancePlot({ plot, draw }: Pen, runs: PageRuns, run: Forest): Markup {
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
      y: namedRows(bars.map(({ name }) => name)),
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

// The composition of items' vectors by number of events: shows whether side information has more weight for rare items.

type Composed = ReportedRun & Required<Pick<ReportedRun, "shares">>;

export function shares(pen: Pen, runs: PageRuns): Section | undefined {
  const composed = runs.filter((run): run is Composed => (run.shares?.buckets.length ?? 0) > 0);
  if (composed.length === 0) return undefined;
  return {
    id: "shares",
    title: "Item composition",
    lead: html`An item's vector is a weighted mean of its own vector and one for each kind of side
    information. The mean of the learned weights, by how many events an item has.`,
    isHalf: composed.length === 1,
    body: grid(composed.map((run) => sharesPlot(pen, runs, run))),
  };
}

function sharesPlot({ plot, draw }: Pen, runs: PageRuns, run: Composed): Markup {
  const { parts, buckets } = run.shares;
  const colors = parts.map((_, kind) => palette[kind % palette.length]!);
  const bars = buckets.flatMap((bucket, row) =>
    bucket.shares.map((share, kind) => ({
      row,
      share,
      // adds one mark after another, because their order is that of the stacked bars
      fill: colors[kind]!,
      title: `${shortened(parts[kind]!, 100)}: ${percent(share)} of ${countText(bucket.items, "item")} with ${eventRangeText(bucket)}`,
    })),
  );
  const names = buckets.map((bucket) => rangeText(bucket));
  const drawing = draw(
    `mean share of each kind in run ${run.name}: ${parts
      .map((part, kind) => `${part} ${percent(buckets[0]!.shares[kind]!)}`)
      .join(", ")} of items with ${eventRangeText(buckets[0]!)}`,
    {
      height: 40 + 24 * buckets.length,
      marginTop: 4,
      marginBottom: 34,
      marginLeft: 16 + 6.6 * Math.max(...names.map(({ length }) => length)),
      marginRight: 12,
      x: { label: "share of an item's vector", percent: true, ticks: 5, grid: true, domain: [0, 100] },
      y: namedRows(names),
      marks: [
        plot.barX(bars, { x: "share", y: "row", fill: "fill", insetTop: 2, insetBottom: 2, title: "title" }),
      ],
    },
  );
  const rows = buckets.map((bucket) => [
    rangeText(bucket),
    whole(bucket.items),
    ...bucket.shares.map((share) => percent(share)),
  ]);
  return figure(
    runTitle(runs, run, "mean share by an item's events"),
    html`${drawing}${legend(parts.map((name, kind) => ({ name, color: colors[kind]! })))}`,
    htmlTable(["events", "items", ...parts.map((part) => shortened(part, 40))], rows),
  );
}

type Bucket = Composed["shares"]["buckets"][number];

function eventRangeText(bucket: Bucket): string {
  return `${rangeText(bucket)} ${bucket.to === 1 ? "event" : "events"}`;
}
