// The composition of items' vectors by number of events: shows whether side information has more weight for rare items.

import type { ReportedRun } from "./content.js";
import { figure, grid, legend, runTitle, type Section } from "./figure.js";
import { html, shortened, htmlTable, type Markup, countText, percent, whole } from "./html.js";
import { palette, type Pen } from "./plot.js";

type Composed = ReportedRun & Required<Pick<ReportedRun, "shares">>;

/**
 * Plots the composition of items' vectors, for the runs in which side information is part of them; undefined if there
 * are no such runs.
 */
export function shares(pen: Pen, runs: readonly ReportedRun[]): Section | undefined {
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

function sharesPlot({ plot, draw }: Pen, runs: readonly ReportedRun[], run: Composed): Markup {
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
  const names = buckets.map((bucket) => rangeOf(bucket));
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
      y: {
        label: null,
        domain: buckets.map((_, row) => row),
        tickFormat: (row: number) => names[row]!,
        tickSize: 0,
      },
      marks: [
        plot.barX(bars, { x: "share", y: "row", fill: "fill", insetTop: 2, insetBottom: 2, title: "title" }),
      ],
    },
  );
  const rows = buckets.map((bucket) => [
    rangeOf(bucket),
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

function rangeOf({ from, to }: Bucket): string {
  if (to === undefined) return `${whole(from)} and more`;
  return from === to ? whole(from) : `${whole(from)}–${whole(to)}`;
}

function eventRangeText(bucket: Bucket): string {
  return `${rangeOf(bucket)} ${bucket.to === 1 ? "event" : "events"}`;
}
