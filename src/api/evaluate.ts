// `embed evaluate`: the metrics of runs on a log that they have not seen, side by side.

import { ranksItems } from "../dataset/labels.js";
import { openRun } from "../embedding/run-directory.js";
import type { Compared } from "../evaluation/comparison.js";
import { version } from "../io/package-version.js";
import { readPreprocess } from "../trainers/learners.js";
import {
  asksForRanking,
  checkLog,
  checkRanking,
  checkScoring,
  type EvaluateOptions,
} from "./evaluate-options.js";
import { evaluateRuns, type JudgedUsers } from "./evaluate-ranking.js";
import { evaluateScores } from "./evaluate-scores.js";
import { checkOutput, writeFileAtomic } from "../io/atomic.js";
import type { Curves } from "./scored.js";
import type { Watch } from "./progress.js";
import type { Summary } from "./summary.js";

export interface Evaluation extends Summary {
  /** every run and baseline, with its intervals */
  compared: Compared[];
  /** of a ranking */
  users?: JudgedUsers;
  /** of scored rows of two classes */
  curves?: Curves;
}

/**
 * Measures runs, and for a ranking baselines, on one log: by the scores of its rows, or by the items ranked for its users.
 *
 * Unseen keys are out-of-vocabulary, as in training, and counted in the warnings.
 *
 * @param paths run directories; the first says how the log is read, and whose training events are masked
 */
export async function evaluate(
  paths: readonly string[],
  options: EvaluateOptions,
  watch: Watch,
): Promise<Evaluation> {
  const start = performance.now();
  checkLog(options);
  const runs = await Promise.all(paths.map(openRun));
  const named = runs.map((run, i) => ({ run, name: nameAmong(paths, i) }));
  const ranks = asksForRanking(options) || ranksItems((await readPreprocess(runs[0]!)).task);
  if (ranks) checkRanking(options);
  else checkScoring(options);
  const { curve, force = false } = options;
  if (curve !== undefined) await checkOutput(curve, force, "file");
  const { compared, warnings, rows, users, curves } = ranks
    ? { ...(await evaluateRuns(named, options, watch)), curves: undefined }
    : { ...(await evaluateScores(named, options, watch)), users: undefined };
  if (curve !== undefined && curves)
    await writeFileAtomic(curve, [Buffer.from(curveLines(curves))], force, { signal: watch.signal });
  const { on, part, mask, k, repeats, candidates, baselines, scoring, bootstrap, seed, logq, bins } = options;
  const told = { on, part, mask, repeats, candidates, baselines, scoring, bootstrap, seed, logq, bins };
  for (const text of warnings) watch.observe({ stage: "warning", text });
  return {
    command: "evaluate",
    version,
    out: paths[0]!,
    seconds: (performance.now() - start) / 1000,
    rows,
    options: {
      run: paths.length > 1 ? paths : paths[0],
      ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)),
      ...(ranks && { k: k ?? [20] }),
    },
    metrics:
      compared.length === 1
        ? { on: compared[0]!.metrics }
        : Object.fromEntries(compared.map(({ name, metrics }) => [name, metrics])),
    warnings,
    compared,
    ...(users && { users }),
    ...(curves && { curves }),
  };
}

/** The curves as CSV, a line a bin. */
function curveLines(curves: Curves): string {
  const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = Object.entries(curves).flatMap(([name, bins]) =>
    bins.map(({ rows, predicted, observed }, b) => [cell(name), b + 1, rows, predicted, observed].join(",")),
  );
  return ["run,bin,rows,predicted,observed", ...lines].map((line) => `${line}\n`).join("");
}

/** A run's folder; its path where another run has the same folder name. */
function nameAmong(paths: readonly string[], i: number): string {
  const folder = (path: string) => path.replace(/\/+$/, "").split("/").at(-1)!;
  const own = folder(paths[i]!);
  return paths.some((path, j) => j !== i && folder(path) === own) ? paths[i]! : own;
}
