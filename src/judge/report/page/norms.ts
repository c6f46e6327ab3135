// Norms of vectors: by field, and against the number of training events.

import type { FieldNorms, ReportedRun, ReportedTable, PageRuns } from "./content.js";
import { colorOf, figure, grid, runTitle, type Section, MUTED, type Pen } from "./plot.js";
import {
  html,
  shortened,
  htmlTable,
  type Markup,
  keyTitle,
  countText,
  quantile,
  short,
  whole,
} from "./html.js";

const BINS = 48;
const MOST_FIELDS = 12;
/** Share of the vectors that determines the range of the axis; a few long vectors would compress the others. */
const SHOWN = 0.999;
/** Maximum number of characters in a field's name. */
const NAME = 40;

type WithTable = ReportedRun & { table: ReportedTable };

export function norms(pen: Pen, runs: PageRuns): Section | undefined {
  const shown = runs.filter((run): run is WithTable => (run.table?.norms.length ?? 0) > 0);
  if (shown.length === 0) return undefined;
  return {
    id: "norms",
    title: "Vector norms",
    lead: html`How long the vectors are, by field: each histogram is of one field and as high as its fullest
    bin. Beside it, the length of a vector against the events that taught it: rare keys stay short where
    training holds them back.`,
    body: grid(
      shown.flatMap((run) =>
        [histograms(pen, runs, run), byCount(pen, runs, run)].filter((one) => one !== undefined),
      ),
    ),
  };
}

function histograms({ plot, draw }: Pen, runs: PageRuns, run: WithTable): Markup {
  const all = run.table.norms;
  const fields = new Set(all.toSorted((a, b) => b.norms.length - a.norms.length).slice(0, MOST_FIELDS));
  const shown = all.filter((field) => fields.has(field));
  const most =
    Math.max(...shown.map(({ norms: sorted }) => sorted[Math.ceil(SHOWN * (sorted.length - 1))]!)) || 1;
  const bars = shown.flatMap((field, f) => histogram(field, most).map((bar) => ({ ...bar, f })));
  const labels = shown.map(({ field, norms: sorted }, f) => ({
    f,
    text: `${shortened(field, NAME)}  ${countText(sorted.length, "row")}`,
  }));
  const drawing = draw(
    `length of the vectors of run ${run.name}, median by field: ${shown.map(({ field, norms: sorted }) => `${shortened(field, NAME)} ${short(quantile(sorted, 0.5))}`).join(", ")}`,
    {
      height: 34 + 48 * shown.length,
      marginLeft: 8,
      marginRight: 8,
      marginTop: 6,
      x: { label: "length of the vector", domain: [0, most], ticks: 6, ...tickFormat(most) },
      // leaves room above the bars for the field's name
      y: { axis: null, domain: [0, 1.5] },
      fy: { axis: null, padding: 0.12 },
      marks: [
        plot.rectY(bars, {
          fy: "f",
          x1: "from",
          x2: "to",
          y: "height",
          fill: colorOf(runs, run),
          insetRight: 0.5,
          title: "title",
        }),
        plot.ruleY(labels, { fy: "f", y: 0, stroke: MUTED, strokeOpacity: 0.5 }),
        plot.text(labels, {
          fy: "f",
          text: "text",
          frameAnchor: "top-left",
        }),
      ],
    },
  );
  const rest = all.length > shown.length ? `, ${shown.length} of ${all.length} fields` : "";
  const head = ["field", "rows", "zero", "5 %", "median", "95 %"];
  const rows = all
    .slice(0, 60)
    .map(({ field, norms: sorted, zeros }) => [
      html`<span class="key">${shortened(field, NAME)}</span>`,
      whole(sorted.length),
      whole(zeros),
      ...[0.05, 0.5, 0.95].map((share) => short(quantile(sorted, share))),
    ]);
  return figure(runTitle(runs, run, `length by field${rest}`), drawing, htmlTable(head, rows));
}

/** Short norms, which a strong penalty causes, need more digits than the default. */
function tickFormat(most: number): { tickFormat?: (value: number) => string } {
  return most < 0.01 ? { tickFormat: short } : {};
}

function histogram({ field, norms: sorted }: FieldNorms, most: number) {
  const counts = new Uint32Array(BINS);
  // vectors longer than the range are counted in the last bin
  for (const norm of sorted) counts[Math.min(BINS - 1, Math.floor((BINS * norm) / most))]!++;
  const fullest = Math.max(...counts);
  return [...counts.keys()]
    .filter((bin) => counts[bin]! > 0)
    .map((bin) => ({
      from: (bin * most) / BINS,
      to: ((bin + 1) * most) / BINS,
      height: counts[bin]! / fullest,
      title: `${shortened(field, NAME)}: ${countText(counts[bin]!, "row")} of length ${short((bin * most) / BINS)} ${bin === BINS - 1 ? "and more" : `to ${short(((bin + 1) * most) / BINS)}`}`,
    }));
}

function byCount({ plot, draw }: Pen, runs: PageRuns, run: WithTable): Markup | undefined {
  const found = run.table.norms.find(({ field }) => field === run.table.field);
  const points = (found?.byCount ?? []).filter(({ count }) => count > 0);
  const counts = points.map(({ count }) => count);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (points.length < 2 || least === most) return undefined;
  const color = colorOf(runs, run);
  const medians = mediansByCount(points);
  const field = shortened(run.table.field, NAME);
  const drawing = draw(
    `length of the vectors of ${field} in run ${run.name} by number of events: median ${short(medians[0]!.norm)} of the rarest, ${short(medians.at(-1)!.norm)} of the most frequent`,
    {
      height: 260,
      marginLeft: 44,
      marginRight: 10,
      x: { type: "log", label: "events", domain: [least, most], ticks: 5, tickFormat: "~s" },
      y: {
        label: "length of the vector",
        zero: true,
        grid: true,
        ticks: 5,
        ...tickFormat(Math.max(...points.map(({ norm }) => norm))),
      },
      marks: [
        plot.dot(points, {
          x: "count",
          y: "norm",
          r: 2,
          fill: color,
          fillOpacity: 0.45,
          title: ({ count, norm, ...key }) =>
            `${keyTitle(key)}\n${countText(count, "event")}, length ${short(norm)}`,
        }),
        plot.line(medians, { x: "count", y: "norm", stroke: "currentColor", strokeWidth: 1.5 }),
      ],
    },
  );
  const of =
    points.length < found!.norms.length
      ? `${countText(points.length, "row")} of ${whole(found!.norms.length)}, `
      : "";
  const title = html`${runTitle(runs, run, `length of ${field} by events`)} <small>${of}line: median</small>`;
  return figure(title, drawing);
}

/** Returns the median norm of rows by number of events: one point for each doubling. */
function mediansByCount(points: readonly { count: number; norm: number }[]) {
  const groups = new Map<number, { count: number; norm: number }[]>();
  for (const point of points) {
    const octave = 31 - Math.clz32(point.count);
    groups.set(octave, [...(groups.get(octave) ?? []), point]);
  }
  const median = (values: number[]) =>
    quantile(
      values.sort((a, b) => a - b),
      0.5,
    );
  return [...groups.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, group]) => ({
      count: median(group.map(({ count }) => count)),
      norm: median(group.map(({ norm }) => norm)),
    }));
}
