// Evaluates runs by the scores that they give to the rows of a log.

import type { Contestant, Curves } from "../../training/judging/evaluate-scores.js";
import type { Run } from "../../embedding/run-directory.js";
import { checkOutput, writeFileAtomic } from "../../io/atomic.js";
import { checkNotAnInput } from "../../io/not-an-input.js";
import { knownModelOf, refusal } from "../../trainers/index.js";
import type { Watch } from "../../training/session/watch.js";
import { scoreRows, type ScoredResult } from "../scored-rows.js";
import type { Evaluating } from "./options.js";

/** @throws {UsageError} the errors of scoreRows @throws {OutputError} the output file for the curve exists */
export async function evaluateScores(
  runs: readonly Contestant[],
  options: Evaluating,
  watch: Watch,
): Promise<ScoredResult & { given: Record<string, unknown> }> {
  const { on, part, logq, bins, curve, force = false } = options;
  if (curve !== undefined) {
    await checkNotAnInput("--curve", curve, on ?? []);
    await checkOutput(curve, force, "file");
  }
  const { curves, ...scored } = await scoreRows(runs, options, watch);
  if (curve !== undefined)
    await writeFileAtomic(curve, [Buffer.from(curveLines(curves))], force, { signal: watch.signal });
  return { ...scored, curves, given: { on, part, logq, bins } };
}

/** Returns the calibration curves as CSV with one line per bin. */
function curveLines(curves: Curves): string {
  const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = Object.entries(curves).flatMap(([name, bins]) =>
    bins.map(({ rows, predicted, observed }, b) => [cell(name), b + 1, rows, predicted, observed].join(",")),
  );
  return ["run,bin,rows,predicted,observed", ...lines].map((line) => `${line}\n`).join("");
}

/** @throws {UsageError} the model neither predicts labels nor ranks items; the message names the run's other uses */
export async function checkScores(run: Run): Promise<void> {
  const { evaluate, rank, preprocess } = await knownModelOf(run);
  if (evaluate || rank) return;
  const {
    user,
    item,
    fields = [],
  } = run.manifest.roles as {
    user?: string;
    item?: string;
    fields?: readonly string[];
  };
  const evaluated = "Evaluate its table with --labels FILE:item --neighbors-by COLUMN";
  const others = "and use it with embed neighbors, diff and export";
  // a run that does not record how its log was read is an imported table
  const instead = !preprocess
    ? `${evaluated}, ranks after a trained run under --score dot, ${others}`
    : item === undefined || !fields.includes(item)
      ? "It is there for embed transform, report and diff"
      : `${evaluated}, ${user === undefined ? "" : "ranks under --score dot, "}${others}`;
  throw await refusal(run, "cannot score rows or rank items", (one) => Boolean(one.evaluate ?? one.rank), {
    instead,
  });
}
