// Plots losses and metrics by epoch: one plot per run, and the same scale for losses of the same kind.

import type { ReportedRun, PageRuns } from "./content.js";
import { titleOf } from "../../../metrics/metrics.js";
import { isAtK } from "../../../table/manifest.js";
import { colorOf, figure, grid, runTitle, type Section, MUTED, palette, type Pen } from "./plot.js";
import { html, htmlTable, type Markup, short } from "./html.js";

/** Maximum number of epochs that are plotted; a forest may have thousands of trees. */
const MOST = 300;
const LISTED = 30;

interface Epoch {
  epoch: number;
  trainLoss: number;
  validLoss: number;
  best: boolean;
  /** further metrics of the epoch, by name */
  metrics: Record<string, number>;
}

interface Curve {
  run: ReportedRun;
  epochs: readonly Epoch[];
  loss: string;
  metrics: readonly string[];
}

export function learningCurves(pen: Pen, runs: PageRuns): Section | undefined {
  const curves = runs.map(curveOf).filter((curve) => curve !== undefined);
  if (curves.length === 0) return undefined;
  const figures = curves.flatMap((curve) => [
    ...(curve.epochs.some(({ trainLoss }) => Number.isFinite(trainLoss))
      ? [lossFigure(pen, runs, curve, lossRange(curves, curve))]
      : []),
    ...(curve.metrics.length > 0 ? [metricsFigure(pen, runs, curve)] : []),
  ]);
  return {
    id: "learning",
    title: "Learning curves",
    lead: html`The loss of the training rows (grey) and of the validation rows, by epoch; of trees, by tree.
    The dot is the best epoch, the one that the run holds.`,
    isHalf: figures.length === 1,
    body: grid(figures),
  };
}

function curveOf(run: ReportedRun): Curve | undefined {
  const epochs = run.lines.flatMap((line) => {
    // skips the refit on all rows, which has its own curve without a validation loss
    if (typeof line["epoch"] !== "number" || line["refit"] === true) return [];
    const numbers = Object.entries(line).filter(
      (entry): entry is [string, number] => typeof entry[1] === "number",
    );
    const found = Object.fromEntries(numbers);
    const metrics = Object.fromEntries(numbers.filter(([name]) => name === "auc" || isAtK(name)));
    const { trainLoss = NaN, validLoss = NaN } = found;
    return [{ epoch: line["epoch"], trainLoss, validLoss, best: line["best"] === true, metrics }];
  });
  if (epochs.length === 0) return undefined;
  const metrics = Object.keys(epochs[0]!.metrics).slice(0, 4);
  return { run, epochs: thinned(epochs), loss: lossOf(run), metrics };
}

/** Selects evenly spaced epochs, including the last and the best one. */
function thinned(epochs: readonly Epoch[]): Epoch[] {
  const step = Math.ceil(epochs.length / MOST);
  const best = epochs.findLastIndex((epoch) => epoch.best);
  return epochs.filter((_, i) => i % step === 0 || i === epochs.length - 1 || i === best);
}

function lossOf({ manifest: { options, metrics } }: ReportedRun): string {
  const has = (name: string) => Object.values(metrics).some((part) => Object.hasOwn(part, name));
  if (has("logLoss")) return "log loss, nats";
  if (has("multiLogLoss")) return "multi log loss, nats";
  if (has("rmse")) return "squared loss";
  return typeof options["loss"] === "string" ? `loss (${options["loss"]})` : "loss";
}

/** Losses of the same kind have the same range. A loss without a name of its own is one of its trainer's. */
function lossRange(curves: readonly Curve[], { run, loss }: Curve): [number, number] {
  const isOwn = loss.startsWith("loss");
  const values = curves
    .filter((curve) => curve.loss === loss && (!isOwn || curve.run.manifest.command === run.manifest.command))
    .flatMap(({ epochs }) => epochs.flatMap(({ trainLoss, validLoss }) => [trainLoss, validLoss]))
    .filter((value) => Number.isFinite(value));
  return [Math.min(...values), Math.max(...values)];
}

function lossFigure(
  { plot, draw }: Pen,
  runs: PageRuns,
  { run, epochs, loss }: Curve,
  domain: [number, number],
): Markup {
  const color = colorOf(runs, run);
  const validated = epochs.filter(({ validLoss }) => Number.isFinite(validLoss));
  const best = validated.findLast((epoch) => epoch.best);
  const last = epochs.at(-1)!;
  const bestText = best && `best: epoch ${best.epoch}, ${short(best.validLoss)}`;
  const drawing = draw(
    `${loss} of run ${run.name} by epoch: training ${short(epochs[0]!.trainLoss)} to ${short(last.trainLoss)}` +
      (best ? `, validation at best ${short(best.validLoss)} in epoch ${best.epoch}` : ""),
    {
      height: 240,
      marginLeft: 48,
      marginRight: 12,
      x: epochScale(epochs),
      y: { label: null, domain, nice: true, grid: true, ticks: 5 },
      marks: [
        plot.lineY(epochs, { x: "epoch", y: "trainLoss", stroke: MUTED, strokeWidth: 1.75 }),
        plot.lineY(validated, { x: "epoch", y: "validLoss", stroke: color, strokeWidth: 2 }),
        plot.dot(best ? [best] : [], {
          x: "epoch",
          y: "validLoss",
          fill: color,
          r: 4,
          title: () => bestText!,
        }),
        plot.dot(epochs.length === 1 ? epochs : [], { x: "epoch", y: "trainLoss", fill: MUTED, r: 4 }),
      ],
    },
  );
  const title = html`${runTitle(runs, run, loss)}${bestText === undefined ? undefined : html` <small>${bestText}</small>`}`;
  return figure(title, drawing, htmlTable(["epoch", "training", "validation"], listed(epochs, best)));
}

/** A scale of whole epochs from 1 to the last, with at most seven labeled ticks. */
function epochScale(epochs: readonly Epoch[]) {
  const last = epochs.at(-1)!.epoch;
  const step =
    [1, 2, 5]
      .flatMap((n) => [1, 10, 100, 1000].map((tens) => n * tens))
      .sort((a, b) => a - b)
      .find((n) => last / n <= 7) ?? last;
  const ticks = Array.from({ length: Math.floor(last / step) }, (_, i) => (i + 1) * step);
  return { label: "epoch", domain: [Math.min(1, epochs[0]!.epoch), last], ticks, tickFormat: "d" };
}

function listed(epochs: readonly Epoch[], best: Epoch | undefined) {
  const step = Math.ceil(epochs.length / LISTED);
  return epochs
    .filter((epoch, i) => i % step === 0 || i === epochs.length - 1 || epoch === best)
    .map((epoch) => [
      epoch === best ? html`${epoch.epoch} <small>best</small>` : epoch.epoch,
      short(epoch.trainLoss),
      Number.isFinite(epoch.validLoss) ? short(epoch.validLoss) : "",
    ]);
}

function metricsFigure({ plot, draw }: Pen, runs: PageRuns, { run, epochs, metrics }: Curve): Markup {
  const values = epochs.flatMap((epoch) =>
    metrics.map((name) => ({ epoch: epoch.epoch, metric: titleOf(name), value: epoch.metrics[name] })),
  );
  const best = epochs.findLast((epoch) => epoch.best);
  const marked = best
    ? metrics.map((name) => ({ epoch: best.epoch, metric: titleOf(name), value: best.metrics[name] }))
    : [];
  const last = epochs.at(-1)!;
  const names = metrics.map(titleOf);
  const drawing = draw(
    `${names.join(" and ")} of the validation rows of run ${run.name} by epoch${best ? `; best in epoch ${best.epoch}` : ""}`,
    {
      height: 240,
      marginLeft: 48,
      marginRight: 64,
      x: epochScale(epochs),
      y: { label: null, grid: true, nice: true, ticks: 5 },
      color: { domain: names, range: [...palette] },
      marks: [
        plot.lineY(values, { x: "epoch", y: "value", stroke: "metric", strokeWidth: 2 }),
        plot.dot(marked, { x: "epoch", y: "value", fill: "metric", r: 4 }),
        plot.text(
          values.filter(({ epoch }) => epoch === last.epoch),
          { x: "epoch", y: "value", text: "metric", textAnchor: "start", dx: 6 },
        ),
      ],
    },
  );
  const rows = epochs
    .filter((_, i) => i % Math.ceil(epochs.length / LISTED) === 0 || i === epochs.length - 1)
    .map((epoch) => [epoch.epoch, ...metrics.map((name) => short(epoch.metrics[name]))]);
  return figure(runTitle(runs, run, names.join(", ")), drawing, htmlTable(["epoch", ...names], rows));
}
