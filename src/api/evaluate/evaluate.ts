// `embed evaluate`: the metrics of runs on a log that they have not seen, side by side.

import { openRun, type Run } from "../../embedding/run-directory.js";
import type { Compared } from "../../evaluation/comparison.js";
import { version } from "../../io/package-version.js";
import { capable, knownModelOf, refusal } from "../../trainers/index.js";
import { insteadOfReading, insteadOfScores } from "./alternatives.js";
import {
  asksForRanking,
  asksForTables,
  checkCold,
  checkEdges,
  checkIndex,
  checkLog,
  checkOthers,
  checkRanking,
  checkScoring,
  checkTables,
  type EvaluateOptions,
} from "./options.js";
import { NO_FOLD_IN } from "./ranking/fold-in.js";
import { queryOf } from "./query.js";
import { evaluateRuns, NO_EVENTS, type EvaluatedUsers } from "./ranking/ranking.js";
import { evaluateEdges, type EvaluatedEdges } from "./edges/edges.js";
import { evaluateCold, type ColdResult } from "./cold/cold.js";
import type { MapFacts } from "../content/map.js";
import { evaluateIndex, type IndexQueries } from "./index-recall.js";
import { evaluateScores } from "./scores.js";
import { evaluateTables } from "./labels/tables.js";
import { checkNotAnInput } from "../../io/not-an-input.js";
import { checkOutput, writeFileAtomic } from "../../io/atomic.js";
import type { Curves } from "../../training/judging/evaluate-scores.js";
import { UsageError } from "../../errors.js";
import { definedOf } from "../../training/options/defined.js";
import { whySeen } from "../../training/reading/run-parts.js";
import type { Watch } from "../../training/session/watch.js";
import type { Summary } from "../../training/session/summary.js";

export interface Evaluation extends Summary {
  /** every run and baseline, with its intervals */
  compared: Compared[];
  /** what rows are, where tables are evaluated */
  of?: "items" | "edges";
  /** of tables evaluated on edges: what was evaluated */
  edges?: EvaluatedEdges;
  /** of an index: what was searched for */
  index?: IndexQueries;
  /** of a probe over several shuffles: their number, over which it has its intervals */
  shuffles?: number;
  /** of a ranking */
  users?: EvaluatedUsers;
  /** of items that training has not seen, by how many of their events are known */
  cold?: ColdResult[];
  /** of the map from a catalogue's content to vectors */
  content?: MapFacts;
  /** of scored rows of two classes */
  curves?: Curves;
  /** of --part: runs that were trained on it by --refit; absent if there are none */
  unevaluated?: { name: string; run: string; why: string }[];
}

/**
 * Measures runs, and for a ranking baselines, on one log: by the scores of its rows, or by the items ranked for its users; or
 * their tables, by labels of items; or an index of a run's table, by what it finds.
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
  const evaluator = evaluatorFor(options, paths.length);
  const runs = await Promise.all(paths.map(openRun));
  const all = runs.map((run, i) => ({ run, path: paths[i]!, name: nameAmong(paths, i) }));
  const { named, unevaluated } = withoutSeen(all, options.part);
  const found = await evaluator(named, options, watch);
  const { compared, warnings, rows, given, ...rest } = found;
  const { seed, bootstrap } = options;
  for (const text of warnings) watch.observe({ stage: "warning", text });
  return {
    command: "evaluate",
    version,
    out: paths[0]!,
    seconds: (performance.now() - start) / 1000,
    rows,
    options: {
      run: paths.length > 1 ? paths : paths[0],
      ...definedOf({ ...given, seed, bootstrap }),
    },
    metrics:
      compared.length === 1 && unevaluated.length === 0
        ? { on: compared[0]!.metrics }
        : Object.fromEntries(compared.map(({ name, metrics }) => [name, metrics])),
    warnings,
    compared,
    ...rest,
    ...(unevaluated.length > 0 && { unevaluated }),
  };
}

/** The runs without those that a refit trained on the part. @throws {UsageError} it was trained in all of them */
function withoutSeen(
  all: NamedRuns,
  part: EvaluateOptions["part"],
): { named: NamedRuns; unevaluated: NonNullable<Evaluation["unevaluated"]> } {
  if (part === undefined) return { named: all, unevaluated: [] };
  const unevaluated = all.flatMap(({ run, path, name }) => {
    const why = whySeen(run, part);
    return why === undefined ? [] : [{ name, run: path, why }];
  });
  if (unevaluated.length === all.length) throw new UsageError(unevaluated[0]!.why);
  return { named: all.filter(({ run }) => whySeen(run, part) === undefined), unevaluated };
}

type Evaluated = Pick<
  Evaluation,
  | "compared"
  | "warnings"
  | "rows"
  | "of"
  | "edges"
  | "index"
  | "shuffles"
  | "users"
  | "curves"
  | "cold"
  | "content"
> &
  Partial<Pick<Evaluation, "metrics">> & {
    /** what was asked, for the summary */
    given: Record<string, unknown>;
  };
type NamedRuns = readonly { run: Run; path: string; name: string }[];
type Evaluator = (runs: NamedRuns, options: EvaluateOptions, watch: Watch) => Promise<Evaluated>;

/** What is evaluated, and by what. @throws {UsageError} options that do not go together */
function evaluatorFor(options: EvaluateOptions, numRuns: number): Evaluator {
  if (options.index !== undefined) {
    checkIndex(options);
    return indexRecall;
  }
  const [ofEdges, ofTables] = [options.edges !== undefined, asksForTables(options)];
  checkCold(options);
  if (ofEdges) checkEdges(options, numRuns);
  else checkOthers(options);
  if (ofTables) checkTables(options);
  else if (!ofEdges) checkLog(options);
  const ofCold = options.cold !== undefined;
  return ofEdges ? edgeMetricsOf : ofTables ? tableMetrics : ofCold ? coldMetrics : logMetrics;
}

async function indexRecall(runs: NamedRuns, options: EvaluateOptions, watch: Watch): Promise<Evaluated> {
  const { k, ef, ...evaluated } = await evaluateIndex(runs, options, watch);
  return { ...evaluated, given: { index: options.index, k, ef } };
}

async function tableMetrics(runs: NamedRuns, options: EvaluateOptions, watch: Watch): Promise<Evaluated> {
  const { labels, neighborsBy, probe, probeTrain, probeRepeats, probeRaw, k, table } = options;
  return {
    ...(await evaluateTables(runs, options, watch)),
    of: "items",
    given: { labels, neighborsBy, probe, probeTrain, probeRepeats, probeRaw, k, table },
  };
}

async function edgeMetricsOf(runs: NamedRuns, options: EvaluateOptions, watch: Watch): Promise<Evaluated> {
  const { edges, source, target, directed, knownEdges, nonEdges, newNodes, field, scoring, table } = options;
  const given = { edges, source, target, directed, knownEdges, nonEdges, newNodes, field, scoring, table };
  return { ...(await evaluateEdges(runs, options, watch)), of: "edges", given };
}

async function coldMetrics(runs: NamedRuns, options: EvaluateOptions, watch: Watch): Promise<Evaluated> {
  const { on, part, cold, k = [20], scoring, content, priorEvents } = options;
  return {
    ...(await evaluateCold(runs, options, watch)),
    given: { on, part, cold, k, scoring, content, priorEvents },
  };
}

async function logMetrics(runs: NamedRuns, options: EvaluateOptions, watch: Watch): Promise<Evaluated> {
  const { scoring: how = "model" } = options;
  // a query that models cannot take is refused before runs are asked what they can do
  queryOf(options);
  const first = runs[0]!.run;
  if (options.foldInShare !== undefined) for (const { run } of runs) await capable(run, "foldIn", NO_FOLD_IN);
  else if (how === "model") for (const { run } of runs) await checkScores(run);
  // by its table alone any run ranks, but the first one says how the log is read
  else await capable(first, "preprocess", NO_EVENTS, await insteadOfReading(first));
  const ranks = asksForRanking(options) || (await ranksAlone(first));
  if (ranks) checkRanking(options);
  else checkScoring(options);
  const { curve, force = false } = options;
  if (curve !== undefined) {
    await checkNotAnInput("--curve", curve, [...(options.on ?? []), ...(options.mask ?? [])]);
    await checkOutput(curve, force, "file");
  }
  const { on, part, mask, k = [20], repeats, candidates, baselines, scoring, logq, bins } = options;
  const { query, queryHalfLife, foldInShare } = options;
  const ranking = { mask, repeats, candidates, foldInShare, baselines, scoring, query, queryHalfLife };
  const given = { on, part, ...ranking, logq, bins };
  if (ranks) return { ...(await evaluateRuns(runs, options, watch)), given: { ...given, k } };
  const { curves, ...scored } = await evaluateScores(runs, options, watch);
  if (curve !== undefined)
    await writeFileAtomic(curve, [Buffer.from(curveLines(curves))], force, { signal: watch.signal });
  return { ...scored, curves, given };
}

/** @throws {UsageError} the run neither predicts labels nor ranks items; says what can be done with it */
async function checkScores(run: Run): Promise<void> {
  const model = await knownModelOf(run);
  if (model.evaluate || model.rank) return;
  throw await refusal(run, "cannot score rows or rank items", (one) => Boolean(one.evaluate ?? one.rank), {
    instead: insteadOfScores(run, model),
  });
}

/** Whether the run's kind of model is evaluated on lists and in no other way. */
async function ranksAlone(run: Run): Promise<boolean> {
  const { evaluate, rank } = await knownModelOf(run);
  return rank !== undefined && evaluate === undefined;
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
export function nameAmong(paths: readonly string[], i: number): string {
  const folder = (path: string) => path.replace(/\/+$/, "").split("/").at(-1)!;
  const own = folder(paths[i]!);
  return paths.some((path, j) => j !== i && folder(path) === own) ? paths[i]! : own;
}
