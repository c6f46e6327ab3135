// The history of a name's versions: metrics, keys and drift by version.

import { titleOf } from "../../../metrics/metrics.js";
import type { ReportedRun, PageRuns, VersionPoint } from "./content.js";
import { colorOf, figure, grid, runTitle, type Section, MUTED, type Pen } from "./plot.js";
import { html, htmlTable, type Markup, instant, percent, whole } from "./html.js";

/** Maximum number of metrics that are plotted. */
const MOST = 4;

type WithHistory = ReportedRun & { history: readonly VersionPoint[] };

export function history(pen: Pen, runs: PageRuns): Section | undefined {
  const shown = runs.filter((run): run is WithHistory => (run.history?.length ?? 0) > 1);
  if (shown.length === 0) return undefined;
  return {
    id: "history",
    title: "History",
    lead: html`The versions up to this one: metrics of the rows that each held out, and what changed in its
    keys and vectors since the version before.`,
    body: html`${shown.map((run) => partOf(pen, runs, run))}`,
  };
}

/** A quantity that is plotted by version; its value is undefined for versions without a measurement. */
interface Series {
  title: string;
  valueOf: (point: VersionPoint) => number | undefined;
  format: (value: number) => string;
  /** number that is plotted as a second line, in a muted color */
  beside?: (point: VersionPoint) => number | undefined;
}

function partOf(pen: Pen, runs: PageRuns, run: WithHistory): Markup {
  const series = [...metricSeries(run), ...driftSeries];
  const measured = series.filter(
    ({ valueOf }) => run.history.filter((point) => valueOf(point) !== undefined).length > 1,
  );
  const dated = run.history.some(({ newest }) => newest !== undefined);
  const head = [
    "version",
    ...(dated ? ["newest event"] : []),
    "rows",
    "keys",
    "gained",
    "lost",
    ...series.map(({ title }) => title),
  ];
  const rows = run.history.toReversed().map((point) => [
    point.version,
    ...(dated ? [point.newest === undefined ? "" : instant(point.newest)] : []),
    whole(point.rows),
    ...[point.keys, point.change?.gained, point.change?.lost].map((n) => (n === undefined ? "" : whole(n))),
    ...series.map(({ valueOf, format }) => {
      const value = valueOf(point);
      return value === undefined ? "" : format(value);
    }),
  ]);
  return html`${runs.length > 1 ? html`<h3>${runTitle(runs, run)}</h3>` : undefined}
    ${grid(measured.map((one) => seriesPlot(pen, runs, run, one)))}
    <details>
      <summary>in numbers</summary>
      ${htmlTable(head, rows)}
    </details>`;
}

/** Returns the metrics of the test split, or else the validation split. */
function metricSeries({ manifest: { metrics } }: WithHistory): Series[] {
  const part =
    ["test", "valid", "train"].find((name) => Object.keys(metrics[name] ?? {}).length > 0) ?? "test";
  return Object.entries(metrics[part] ?? {})
    .filter(([, value]) => typeof value === "number")
    .slice(0, MOST)
    .map(([name]) => ({
      title: `${part}: ${titleOf(name)}`,
      valueOf: (point) => {
        const value = point.metrics[part]?.[name];
        return typeof value === "number" ? value : undefined;
      },
      format: (value) => value.toFixed(4),
    }));
}

const driftSeries: readonly Series[] = [
  {
    title: "neighbors kept",
    valueOf: ({ change }) => change?.neighborOverlap,
    format: (value) => percent(value),
  },
  {
    title: "displacement, median and 90 %",
    valueOf: ({ change }) => change?.median,
    beside: ({ change }) => change?.p90,
    format: (value) => value.toFixed(4),
  },
];

function seriesPlot({ plot, draw }: Pen, runs: PageRuns, run: WithHistory, series: Series): Markup {
  const { title, valueOf, beside, format } = series;
  const pointsOf = (read: Series["valueOf"]) =>
    run.history.flatMap((point) => {
      const value = read(point);
      return value === undefined
        ? []
        : [
            {
              version: Number(point.version),
              value,
              title: `version ${Number(point.version)}: ${format(value)}`,
            },
          ];
    });
  const [points, others] = [pointsOf(valueOf), pointsOf(beside ?? (() => undefined))];
  const last = points.at(-1)!;
  const color = colorOf(runs, run);
  const versions = run.history.map(({ version }) => Number(version));
  const step = Math.ceil(versions.length / 8);
  const drawing = draw(
    `${title} of run ${run.name} by version: ${points.map((point) => format(point.value)).join(", ")}`,
    {
      height: 180,
      marginLeft: 52,
      marginRight: 12,
      x: {
        label: "version",
        domain: [versions[0]!, versions.at(-1)!],
        ticks: versions.filter((_, i) => (versions.length - 1 - i) % step === 0),
        tickFormat: "d",
      },
      y: { label: null, grid: true, nice: true, ticks: 4 },
      marks: [
        plot.line(others, { x: "version", y: "value", stroke: MUTED, strokeWidth: 1.5 }),
        plot.line(points, { x: "version", y: "value", stroke: color, strokeWidth: 2 }),
        plot.dot([...others, ...points], { x: "version", y: "value", fill: color, r: 2.5, title: "title" }),
        plot.dot([last], { x: "version", y: "value", fill: color, r: 4, title: "title" }),
      ],
    },
  );
  return figure(html`${title} <small>now ${format(last.value)}</small>`, drawing);
}
