// Plots the settings that --search tried: the validation metric in the order of the trials, and by the value of each
// option.

import { goodness, titleOf } from "../../../metrics/metrics.js";
import { searchGain } from "../../../metrics/search-gain.js";
import type { ReportedRun, PageRuns } from "./content.js";
import { colorOf, figure, grid, runTitle, type Section, MUTED, type Pen } from "./plot.js";
import { html, shortened, htmlTable, type Markup, short } from "./html.js";

const MOST_OPTIONS = 8;
const LISTED = 200;

type Tried = NonNullable<ReportedRun["trials"]>[number];
type Searched = ReportedRun & Required<Pick<ReportedRun, "trials">>;
/** A tried setting whose validation metric has a value. */
interface Point {
  trial: number;
  value: number;
  chosen: boolean;
  title: string;
}

export function searches(pen: Pen, runs: PageRuns): Section | undefined {
  const searched = runs.filter((run): run is Searched => (run.trials?.length ?? 0) > 0);
  if (searched.length === 0) return undefined;
  return {
    id: "search",
    title: "Search",
    lead: html`Settings that --search tried, each trained in full and compared on the validation split. The
    large dot is the setting that the run was trained with; setting 1 is the default.`,
    body: grid(searched.flatMap((run) => searchPlots(pen, runs, run))),
  };
}

function searchPlots(pen: Pen, runs: PageRuns, run: Searched): Markup[] {
  const { trials } = run;
  const metric = run.manifest.searchedBy?.metric ?? "value";
  const points = trials.flatMap(({ trial, value, chosen = false, options }): Point[] =>
    value === null ? [] : [{ trial, value, chosen, title: titleOfTrial(trial, value, options) }],
  );
  const names = [...new Set(trials.flatMap(({ options }) => Object.keys(options)))];
  const varied = names.filter((name) => new Set(trials.map(({ options }) => options[name])).size > 1);
  return [
    byTrial(pen, runs, run, points, metric),
    ...varied.slice(0, MOST_OPTIONS).map((name) => byOption(pen, runs, run, points, { name, metric })),
  ];
}

function titleOfTrial(trial: number, value: number, options: Tried["options"]): string {
  const all = Object.entries(options).map(([name, x]) => `${name} ${x}`);
  return `setting ${trial}: ${short(value)}; ${shortened(all.join(", "), 200)}`;
}

function byTrial(
  { plot, draw }: Pen,
  runs: PageRuns,
  run: Searched,
  points: readonly Point[],
  metric: string,
): Markup {
  const color = colorOf(runs, run);
  const label = titleOf(metric);
  let best: Point | undefined;
  const soFar = points.map((point) => {
    const score = ({ value }: Point) => goodness(metric, value) ?? value;
    if (!best || score(point) > score(best)) best = point;
    return { trial: point.trial, value: best.value };
  });
  const drawing = draw(
    `validation ${label} of run ${run.name} by setting: default ${short(run.manifest.searchedBy?.default)}, ` +
      `best ${short(best?.value)} of ${run.trials.length}`,
    {
      height: 240,
      marginLeft: 48,
      x: { label: "setting", ticks: Math.min(8, run.trials.length), tickFormat: "d" },
      y: { label: null, grid: true, nice: true, ticks: 5 },
      marks: [
        plot.line(soFar, { x: "trial", y: "value", stroke: MUTED, curve: "step-after" }),
        plot.dot(points, { x: "trial", y: "value", fill: color, r: pointRadius, title: "title" }),
      ],
    },
  );
  const rows = run.trials.slice(0, LISTED).map(({ trial, options, epochs, value, failed, chosen }) => [
    `${trial}${chosen ? " (chosen)" : ""}`,
    html`<span class="key"
      >${shortened(
        Object.entries(options)
          .map(([name, x]) => `${name} ${x}`)
          .join(", "),
        200,
      )}</span
    >`,
    String(epochs),
    value === null ? shortened(failed ?? "failed", 100) : short(value),
  ]);
  const by = run.manifest.searchedBy;
  const title = runTitle(runs, run, by ? searchGain(by, run.trials.length) : `validation ${label}`);
  return figure(title, drawing, htmlTable(["setting", "options", "epochs", label], rows));
}

function byOption(
  { plot, draw }: Pen,
  runs: PageRuns,
  run: Searched,
  points: readonly Point[],
  { name, metric }: { name: string; metric: string },
): Markup {
  const found = points.flatMap((point) => {
    const x = run.trials[point.trial - 1]?.options[name];
    return x === undefined ? [] : [{ ...point, x }];
  });
  const numbers = found.flatMap(({ x }) => (typeof x === "number" ? [x] : []));
  const isNumber = numbers.length === found.length;
  const isLog = isNumber && numbers.every((x) => x > 0) && Math.max(...numbers) > 4 * Math.min(...numbers);
  const drawing = draw(`validation ${titleOf(metric)} of run ${run.name} by ${name}`, {
    height: 200,
    marginLeft: 48,
    x: { label: null, ...(isNumber ? { type: isLog ? "log" : "linear", ticks: 4 } : { type: "point" }) },
    y: { label: null, grid: true, nice: true, ticks: 4 },
    marks: [
      plot.dot(found, { x: "x", y: "value", fill: colorOf(runs, run), r: pointRadius, title: "title" }),
    ],
  });
  return figure(runTitle(runs, run, name), drawing);
}

function pointRadius({ chosen }: Point): number {
  return chosen ? 6 : 3;
}
