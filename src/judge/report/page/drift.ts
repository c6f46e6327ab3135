// Changes from an earlier table: keys, neighbors, and displacement of rows after one table is rotated to match the
// other.

import type { FieldDrift, ReportedDrift, ReportedRun, PageRuns } from "./content.js";
import { titleOf } from "../../../metrics/metrics.js";
import { colorOf, figure, grid, runTitle, type Section, type Pen } from "./plot.js";
import { html, shortened, htmlTable, type Markup, keyMarkup, percent, short, whole } from "./html.js";

const BINS = 40;
/** Number of fields whose displacements are plotted: the fields with most rows. */
const DRAWN = 4;

type Drifted = ReportedRun & { drift: ReportedDrift };

export function drift(pen: Pen, runs: PageRuns): Section | undefined {
  const drifted = runs.filter((run): run is Drifted => run.drift !== undefined);
  if (drifted.length === 0) return undefined;
  return {
    id: "drift",
    title: "Drift",
    lead: html`Displacement is 1 − cos(aQ, b), where Q turns the earlier table onto the later one: 0 where a
    row stayed, 1 at a right angle. Two trainings differ by such a turn without any score being another.`,
    body: html`${drifted.map((run) => partOf(pen, runs, run))}`,
  };
}

function partOf(pen: Pen, runs: PageRuns, run: Drifted): Markup {
  const { against, fields, k } = run.drift;
  const head = [
    "field",
    "in both",
    "gained",
    "lost",
    "norm before",
    "norm now",
    `same ${k} nearest`,
    "displacement",
    "median",
    "p90",
  ];
  const rows = fields.map(({ field, rows: n, norms, neighborOverlap, displacement: d }) => [
    html`<span class="key">${shortened(field, 40)}</span>`,
    ...[n.both, n.gained, n.lost].map(whole),
    ...[norms.a, norms.b].map((value) => value.toFixed(4)),
    neighborOverlap === undefined ? "" : percent(neighborOverlap),
    ...[d?.mean, d?.median, d?.p90].map((value) => value?.toFixed(4) ?? ""),
  ]);
  const sampled = fields.filter((field) => field.sampled !== undefined);
  const note =
    sampled.length === 0
      ? undefined
      : html`<p class="quiet">
          Norms, neighbors and displacement of ${sampled.map(({ field }) => shortened(field, 40)).join(", ")}
          are of ${whole(sampled[0]!.sampled!)} rows that both have, drawn by a hash of the key;
          <code>embed diff</code> compares them all.
        </p>`;
  const largest = fields
    .filter(({ byRow }) => byRow?.some((value) => !Number.isNaN(value)))
    .sort((a, b) => b.rows.both - a.rows.both)
    .slice(0, DRAWN);
  return html`<h3>${runTitle(runs, run, `since ${shortened(against, 80)}`)}</h3>
    ${htmlTable(head, rows)}${note}${metricsBeside(run)}${grid(largest.map((field) => histogram(pen, runs, run, field)))}`;
}

function metricsBeside({
  drift: { metrics: before },
  manifest: { metrics: now },
}: Drifted): Markup | undefined {
  const rows = ["valid", "test"].flatMap((part) =>
    Object.entries(now[part] ?? {}).flatMap(([name, value]) => {
      const earlier = before[part]?.[name];
      if (typeof value !== "number" || typeof earlier !== "number") return [];
      const change = value - earlier;
      return [
        [
          `${part}: ${titleOf(name)}`,
          earlier.toFixed(4),
          value.toFixed(4),
          `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(4)}`,
        ],
      ];
    }),
  );
  if (rows.length === 0) return undefined;
  return html`${htmlTable(["metric, each on its own rows", "before", "now", "change"], rows)}`;
}

function histogram(
  { plot, draw }: Pen,
  runs: PageRuns,
  run: Drifted,
  { field, byRow, moved, displacement }: FieldDrift,
): Markup {
  const values = [...byRow!].filter((value) => !Number.isNaN(value));
  const most = Math.max(0.02, ...values);
  const counts = new Uint32Array(BINS);
  for (const value of values) counts[Math.min(BINS - 1, Math.floor((BINS * value) / most))]!++;
  const bars = [...counts.entries()].map(([bin, rows]) => ({
    from: (bin * most) / BINS,
    to: ((bin + 1) * most) / BINS,
    rows,
  }));
  const name = shortened(field, 40);
  const drawing = draw(
    `displacement of the rows of ${name} of run ${run.name}: median ${short(displacement?.median)}, ninetieth percentile ${short(displacement?.p90)}`,
    {
      height: 200,
      marginLeft: 46,
      x: { label: "displacement", domain: [0, most], ticks: 5 },
      y: { label: "rows", grid: true, ticks: 4 },
      marks: [
        plot.rectY(bars, {
          x1: "from",
          x2: "to",
          y: "rows",
          fill: colorOf(runs, run),
          insetRight: 0.5,
          title: ({ from, to, rows }) => `${whole(rows)} rows moved ${short(from)} to ${short(to)}`,
        }),
        plot.ruleX(displacement ? [displacement.median] : [], { strokeDasharray: "2,3" }),
        plot.ruleY([0]),
      ],
    },
  );
  const most10 = moved.slice(0, 10).map(({ displacement: d, ...key }) => [keyMarkup(key), short(d)]);
  const table = most10.length > 0 ? htmlTable(["moved most", "displacement"], most10) : undefined;
  return figure(html`<span class="key">${name}</span> <small>dashed: median</small>`, drawing, table);
}
