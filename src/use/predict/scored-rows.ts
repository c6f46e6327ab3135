// Computes metrics of the scores that runs give to the rows of a log.

import type {
  Contestant,
  Curves,
  EvaluatedOn,
  Scored,
} from "../../training/split-metrics/evaluate-scores.js";
import { compare, type Compared, type Measured } from "../../metrics/comparison.js";
import type { ReadingStep } from "../../dataset/dataset.js";
import { capable, modelOf } from "../../trainers/index.js";
import type { Watch } from "../../training/session/watch.js";

const BINS = 10;

interface ScoringOptions extends Omit<EvaluatedOn, "bins" | "inPlace"> {
  bins?: number | undefined;
  bootstrap?: number | undefined;
  seed?: number | undefined;
}

export interface ScoredResult {
  compared: Compared[];
  curves: Curves;
  warnings: string[];
  rows: number;
  steps: ReadingStep[];
}

export async function scoreRows(
  runs: readonly Contestant[],
  options: ScoringOptions,
  watch: Watch,
): Promise<ScoredResult> {
  const { measured, units, ...rest } = await measureScores(runs, options, watch);
  const { bootstrap: samples = 1000, seed = 1 } = options;
  return { compared: compare(measured, units, { samples, seed }), ...rest };
}

interface MeasuredScores extends Omit<ScoredResult, "compared"> {
  /** metrics of each run; metrics are not split by user if the runs drop different rows of the log */
  measured: Measured[];
  /** number of users with scored rows; number of rows if the log has no users */
  units: number;
}

export async function measureScores(
  runs: readonly Contestant[],
  options: ScoringOptions,
  watch: Watch,
): Promise<MeasuredScores> {
  const all: (Scored & { name: string })[] = [];
  const warnings: string[] = [];
  const { bins = BINS } = options;
  for (const { run, name, table } of runs) {
    const canRank = (await modelOf(run))?.rank;
    const instead = canRank && "It ranks items: use --ranking";
    const evaluate = await capable(run, "evaluate", "cannot predict labels", instead);
    const scored = await evaluate(run, { ...options, bins, inPlace: table }, watch);
    all.push({ ...scored, name });
    const { oneClassUsers = 0 } = scored;
    const own = [...scored.warnings];
    if (oneClassUsers > 0 && "userAuc" in scored.metrics)
      own.push(`userAuc skips ${oneClassUsers} users whose rows are all of one class`);
    warnings.push(...own.map((text) => (runs.length > 1 ? `${name}: ${text}` : text)));
  }
  const [first] = all;
  const alike = all.every(({ rows, units }) => rows === first!.rows && units.size === first!.units.size);
  if (!alike) warnings.push("no intervals: the runs keep different rows of the log");
  const measured = all.map(({ name, byUser, metrics }): Measured => ({
    name,
    kind: "run",
    byUser: alike ? byUser : [],
    others: metrics,
  }));
  const curves = Object.fromEntries(all.flatMap(({ name, curve }) => (curve ? [[name, curve]] : [])));
  return { measured, units: first!.units.size, curves, warnings, rows: first!.rows, steps: first!.steps };
}
