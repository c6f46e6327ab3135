import { compareOptions } from "../../../judge/compare/options.js";
import { commandSpec, logArgument } from "../command-spec.js";
import type { Comparison } from "../../../judge/compare/compare.js";
import { commandLine } from "../../../options/flag-words.js";
import { bestEmbedding, lineNote, metricCell, untrainedTexts } from "../../../metrics/leaderboard.js";
import { titleOf } from "../../../metrics/metrics.js";
import { printable } from "../../../base/errors.js";
import { formatTable, stepLines } from "../terminal.js";

const examples = `
Examples:
  embed compare fixtures/clicks.csv -o clicks.html --budget 2m
  embed compare fixtures/purchases.csv -o purchases.html --repeats allow --trainers train-pca,train-als
`;

export const command = commandSpec({
  description:
    "Trains every trainer that suits the log, cheap ones first and within --budget, measures all runs on one held-out test split beside " +
    "baselines, with intervals, and writes the runs and a page: which embedding is best for the log, and whether it is better than the baselines.",
  arguments: [logArgument],
  examples,
  options: compareOptions,
  async call([paths], given, { watch }) {
    const { compareTrainers } = await import("../../../judge/compare/compare.js");
    return await compareTrainers(paths, given, watch);
  },
  text: leaderboardText,
  notes: ({ steps }) => stepLines(steps),
});

/** Formats a leaderboard: one line per contender, then the trainers that were left out; the conclusion is last. */
function leaderboardText({ leaderboard, out, runs, seconds }: Comparison): string {
  const { metrics, on, lines, untrained, vectors, conclusion } = leaderboard;
  const hasIntervals = lines.some(({ intervals }) => Object.hasOwn(intervals, metrics[0]));
  const head = ["", ...metrics.map(titleOf), "seconds", ""];
  const table = lines.map((line, place) => {
    const { name, seconds: took, isClose } = line;
    const [first, ...others] = metrics.map((metric) => metricCell(line, metric));
    const mark = place === 0 ? " *" : isClose ? " ~" : "";
    return [name, `${first}${mark}`, ...others, took?.toFixed(1) ?? "", lineNote(line)];
  });
  const legend = hasIntervals
    ? `±: half of the 95 % bootstrap interval; *: the best; ~: the interval of its difference to the best, on the same users or rows, holds 0\n`
    : "";
  const left = untrainedTexts(untrained)
    .map((text) => `${printable(text)}\n`)
    .join("");
  const best = bestEmbedding(leaderboard);
  const next = best?.commandForAllRows
    ? `retrain ${best.name} on all rows, held-out ones too: ${printable(best.commandForAllRows)}\n` +
      `weekly: embed init --from ${commandLine([out])} -o pipeline.yaml\n`
    : "";
  return (
    `${formatTable([head, ...table])}${on}; ${legend}${left}` +
    `${out}: the page; ${runs}: the runs; ${seconds.toFixed(1)} s\n${next}${vectors ? `${vectors}\n` : ""}${conclusion}\n`
  );
}
