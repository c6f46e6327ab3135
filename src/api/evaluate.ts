// `embed evaluate`: the metrics of runs on a log that they have not seen, side by side.

import { ranksItems, type Task } from "../dataset/labels.js";
import { openRun, type Run } from "../embedding/run-directory.js";
import type { Compared } from "../evaluation/comparison.js";
import { version } from "../io/package-version.js";
import { asksForRanking, checkLog, checkScoring, type EvaluateOptions } from "./evaluate-options.js";
import { evaluateRuns, type JudgedUsers } from "./evaluate-ranking.js";
import { evaluateScores } from "./evaluate-scores.js";
import type { Watch } from "./progress.js";
import type { Summary } from "./summary.js";

export interface Evaluation extends Summary {
  /** every run and baseline, with its intervals */
  compared: Compared[];
  /** of a ranking */
  users?: JudgedUsers;
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
  const ranks = asksForRanking(options) || ranksItems(taskOf(runs[0]!));
  if (!ranks) checkScoring(options);
  const { compared, warnings, rows, users } = ranks
    ? await evaluateRuns(named, options, watch)
    : { ...(await evaluateScores(named, options, watch)), users: undefined };
  const { on, part, mask, k, repeats, candidates, baselines, scoring, bootstrap, seed } = options;
  const told = { on, part, mask, repeats, candidates, baselines, scoring, bootstrap, seed };
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
  };
}

/** The task that a run was trained for, as far as its manifest says. */
function taskOf({ manifest: { options } }: Run): Task | undefined {
  return options["task"] as Task | undefined;
}

/** A run's folder; its path where another run has the same folder name. */
function nameAmong(paths: readonly string[], i: number): string {
  const folder = (path: string) => path.replace(/\/+$/, "").split("/").at(-1)!;
  const own = folder(paths[i]!);
  return paths.some((path, j) => j !== i && folder(path) === own) ? paths[i]! : own;
}
