// Plots calibration curves: predicted probabilities against observed rates, for all runs.
//
//   interval   Wilson's 95 % interval of a bin's rate, of n rows with rate p; z = 1.96
//              (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n)
//
// Source: Wilson 1927 (doi:10.1080/01621459.1927.10502953).

import type { ReportedRun, PageRuns } from "./content.js";
import type { CurveBin } from "../../../metrics/scored-metrics.js";
import { colorOf, figure, grid, legendOf, runTitle, type Section, MUTED, type Pen } from "./plot.js";
import { html, htmlTable, type Markup, percent, short, whole } from "./html.js";

const Z = 1.96;

type Calibrated = ReportedRun & { calibration: readonly CurveBin[] };

/** @param scoredOn a phrase: `the test part` */
export function calibration(pen: Pen, runs: PageRuns, scoredOn = "a log"): Section | undefined {
  const calibrated = runs.filter((run): run is Calibrated => (run.calibration?.length ?? 0) > 0);
  if (calibrated.length === 0) return undefined;
  const tables = calibrated.map((run) => calibrationTable(runs, run));
  return {
    id: "calibration",
    title: "Calibration",
    lead: html`Rows of ${scoredOn} by the probability that the model gave them, in bins of equal counts: a bin
    on the line came true as often as promised, one above it oftener. Bars are 95 % intervals.`,
    body: html`${legendOf(runs, calibrated)}${grid([calibrationPlot(pen, runs, calibrated), ...tables])}`,
  };
}

export function wilson(rate: number, rows: number): { low: number; high: number } {
  const z2 = (Z * Z) / rows;
  const middle = rate + z2 / 2;
  const reach = Z * Math.sqrt((rate * (1 - rate)) / rows + z2 / (4 * rows));
  return { low: Math.max(0, (middle - reach) / (1 + z2)), high: Math.min(1, (middle + reach) / (1 + z2)) };
}

function calibrationPlot({ plot, draw }: Pen, runs: PageRuns, calibrated: readonly Calibrated[]): Markup {
  const points = calibrated.flatMap((run) =>
    run.calibration.map((bin, b) => ({
      ...bin,
      ...wilson(bin.observed, bin.rows),
      run: run.name,
      color: colorOf(runs, run),
      title: `${run.name}, bin ${b + 1} of ${run.calibration.length}: ${whole(bin.rows)} rows\npredicted ${short(bin.predicted)}, observed ${short(bin.observed)}`,
    })),
  );
  const most = Math.min(1, 1.04 * Math.max(...points.flatMap(({ predicted, high }) => [predicted, high])));
  const scale = { domain: [0, most] as [number, number], ticks: 5, grid: true };
  const drawing = draw(
    `observed rate by predicted probability of ${calibrated.map(({ name }) => name).join(", ")}`,
    {
      height: 372,
      marginLeft: 46,
      marginRight: 12,
      x: { ...scale, label: "predicted" },
      y: { ...scale, label: "observed" },
      marks: [
        plot.line(
          [
            [0, 0],
            [most, most],
          ],
          { stroke: MUTED, strokeDasharray: "3,4" },
        ),
        plot.ruleX(points, {
          x: "predicted",
          y1: "low",
          y2: "high",
          stroke: "color",
          strokeOpacity: 0.4,
          strokeWidth: 1.5,
        }),
        plot.line(points, { x: "predicted", y: "observed", z: "run", stroke: "color", strokeWidth: 1.5 }),
        plot.dot(points, { x: "predicted", y: "observed", fill: "color", r: 3.5, title: "title" }),
      ],
    },
  );
  return figure("observed by predicted", drawing);
}

function calibrationTable(runs: PageRuns, run: Calibrated): Markup {
  const head = ["bin", "rows", "predicted", "observed", "95 %"];
  const rows = run.calibration.map((bin, b) => {
    const { low, high } = wilson(bin.observed, bin.rows);
    return [
      b + 1,
      whole(bin.rows),
      percent(bin.predicted),
      percent(bin.observed),
      `${(100 * low).toFixed(1)} – ${percent(high)}`,
    ];
  });
  return figure(runTitle(runs, run, "in numbers"), htmlTable(head, rows, 0));
}
