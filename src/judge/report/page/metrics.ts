// A table of the metrics of all runs, by split, with the best of each marked if runs are comparable.

import type { PartMetrics } from "../../../table/manifest.js";
import { goodness, metricNames, titleOf } from "../../../metrics/metrics.js";
import { addsNothing, vectorsAddText } from "../../../metrics/vectors-add.js";
import type { ReportedRun, PageRuns } from "./content.js";
import { runTitle, type Section } from "./plot.js";
import { html, shortened, htmlTable, type Markup } from "./html.js";
import {
  lineNote,
  metricCell,
  untrainedTexts,
  type Leaderboard,
  type LeaderboardLine,
} from "../../../metrics/leaderboard.js";

/** Names of the splits, the most important first. */
const parts = ["test", "valid", "train"];

export function metrics(runs: PageRuns): Section | undefined {
  const all = runs.flatMap(({ manifest }) => Object.values(manifest.metrics ?? {}));
  const names = metricNames(all);
  if (names.length === 0) return undefined;
  const found = new Set(runs.flatMap(({ manifest }) => Object.keys(manifest.metrics ?? {})));
  const ordered = [
    ...parts.filter((part) => found.has(part)),
    ...[...found].filter((part) => !parts.includes(part)),
  ];
  const comparable = runs.length > 1 && sameParts(runs);
  return {
    id: "metrics",
    title: "Metrics",
    lead: comparable
      ? html`As training measured them. The best of each part is bold; the runs held out the same rows of the
        same logs.`
      : runs.length > 1
        ? html`As training measured them, each run on rows of its own: the logs or the splits differ, so that
            columns cannot be compared. <code>embed evaluate</code> measures runs on one log.`
        : html`As training measured them.`,
    isHalf: names.length <= 6,
    body: html`${htmlTable(
      ["", ...names.map(titleOf)],
      ordered.flatMap((part) => metricRows(runs, part, names, comparable)),
    )}${runs.flatMap((run) => vectorsLine(runs, run) ?? [])}`,
  };
}

function vectorsLine(runs: PageRuns, run: ReportedRun): Markup | undefined {
  const { vectorsAdd } = run.manifest;
  if (!vectorsAdd) return undefined;
  const of = runs.length > 1 ? html`${runTitle(runs, run)}: ` : undefined;
  const doubt = addsNothing(vectorsAdd) ? " Nothing shows that the vectors mean anything." : "";
  return html`<p>${of}vectors add ${vectorsAddText(vectorsAdd)}.${doubt}</p>`;
}

function metricRows(runs: PageRuns, part: string, names: readonly string[], comparable: boolean) {
  const shown = runs.filter(({ manifest }) =>
    names.some((name) => numberIn(manifest.metrics[part], name) !== undefined),
  );
  const bestOf = (name: string): number => {
    const values = shown.map(({ manifest }) => numberIn(manifest.metrics[part], name));
    return Math.max(
      ...values.map((value) => (value === undefined ? -Infinity : (goodness(name, value) ?? NaN))),
    );
  };
  const best = Object.fromEntries(names.map((name) => [name, bestOf(name)]));
  return shown.map((run) => [
    runs.length > 1 ? html`${shortened(part, 30)} · ${runTitle(runs, run)}` : html`${shortened(part, 30)}`,
    ...names.map((name): Markup => {
      const value = numberIn(run.manifest.metrics[part], name);
      if (value === undefined) return html``;
      const isBest = comparable && shown.length > 1 && goodness(name, value) === best[name];
      return isBest ? html`<strong>${value.toFixed(4)}</strong>` : html`${value.toFixed(4)}`;
    }),
  ]);
}

function numberIn(part: PartMetrics | undefined, name: string): number | undefined {
  const value = part && Object.hasOwn(part, name) ? part[name] : undefined;
  return typeof value === "number" ? value : undefined;
}

/** Whether all runs used the same input and split it in the same way. */
function sameParts(runs: PageRuns): boolean {
  const identity = ({ manifest: { inputs, split, seed } }: ReportedRun) =>
    JSON.stringify([
      inputs?.map(({ sha256 }) => sha256),
      split,
      split?.by === "random" || split?.by === "rows" ? seed : undefined,
    ]);
  return new Set(runs.map(identity)).size === 1;
}

// The result of a comparison: contenders from the best to the worst, and those that were not trained.

/** Undefined for a page that compares nothing. */
export function leaderboard(board: Leaderboard | undefined): Section | undefined {
  if (!board) return undefined;
  const { metrics, on, lines, untrained, vectors, conclusion } = board;
  return {
    id: "leaderboard",
    title: "Leaderboard",
    lead: html`<strong>${conclusion}</strong>`,
    body: html`${htmlTable(
        ["", "", ...metrics.map(titleOf), "seconds"],
        lines.map((line, i) => contenderCells(line, i, metrics)),
        2,
      )}
      <p class="quiet">
        Measured on ${on}. ±: half of the 95 % bootstrap interval; ~: the interval of its difference to the
        first line, on the same users or rows, holds 0; seconds: reading and training, on the machine that
        made this page. ${vectors}
      </p>
      ${
        untrained.length > 0
          ? html`<ul class="quiet">
              ${untrainedTexts(untrained).map((text) => html`<li>${shortened(text, 600)}</li>`)}
            </ul>`
          : undefined
      }
      <details>
        <summary>Train on all rows</summary>
        <p class="quiet">
          Each command trains a run of this page again, with the rows that were held out. embed init --from
          this page writes the pipeline file of a weekly job.
        </p>
        ${lines.flatMap(({ name, commandForAllRows: command }) =>
          command === undefined
            ? []
            : html`<p><span class="key">${shortened(name, 60)}</span><br /><code>${command}</code></p>`,
        )}
      </details>`,
  };
}

function contenderCells(
  line: LeaderboardLine,
  place: number,
  [metric, ...others]: Leaderboard["metrics"],
): Markup[] {
  const { name, isClose, seconds } = line;
  const first = metricCell(line, metric);
  return [
    html`<span class="key">${shortened(name, 60)}</span>`,
    html`${lineNote(line)}`,
    place === 0 ? html`<strong>${first}</strong>` : html`${first}${isClose ? " ~" : ""}`,
    ...others.map((other) => html`${metricCell(line, other)}`),
    html`${seconds?.toFixed(1)}`,
  ];
}
