// The result of a comparison: contenders from the best to the worst, and those that were not trained.

import { titleOf } from "../evaluation/metrics.js";
import {
  lineNote,
  metricCell,
  untrainedTexts,
  type Leaderboard,
  type LeaderboardLine,
} from "../evaluation/leaderboard.js";
import type { Section } from "./figure.js";
import { html, shortened, htmlTable, type Markup } from "./html.js";

/**
 * Returns a sentence with the result of a comparison, and the table below it; undefined for a page that compares
 * nothing.
 */
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
