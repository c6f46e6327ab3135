import { openRun, type Run } from "../../table/run-directory.js";
import { shellWord, UsageError } from "../../base/errors.js";
import type { Compared } from "../../metrics/comparison.js";
import { version } from "../../base/io/package-version.js";
import { capable, knownModelOf, refusal } from "../../trainers/index.js";
import { distinct, evaluateOptions, modes, type EvaluateOptions, type Evaluating } from "./options.js";
import { tableRows } from "../../table/rows.js";
import { axesOf, checkPrefix, projected } from "../../use/codes/prefixes.js";
import { evaluateEdges, type EvaluatedEdges } from "./edges.js";
import { evaluateCold, type ColdResult } from "./cold/cold.js";
import type { MapFacts } from "../../use/content/map.js";
import { evaluateIndex, type IndexQueries } from "./index-recall.js";
import type { Curves, Contestant } from "../../training/split-metrics/evaluate-scores.js";
import { type EvaluatedUsers, measureRankings, type MeasuredRankings } from "../../use/rank-items/measure.js";
import { userFoldIn } from "../../use/rank-items/new-users.js";
import { eventRecipe } from "../../use/rank-items/user-events.js";
import { checkMode } from "../../options/check-given.js";
import { definedOf, type Option } from "../../options/table.js";
import { readingOf } from "../../training/shared-options/reading.js";
import { badRowsOf } from "../../training/reading/bad-row-report.js";
import { whySeen } from "../../training/reading/run-parts.js";
import type { Summary } from "../../training/session/summary.js";
import type { Watch } from "../../training/session/watch.js";
import { nameAmong } from "../../use/tables.js";
import { evaluateLabels } from "./labels.js";
import { checkOutput, writeFileAtomic } from "../../base/io/atomic.js";
import { scoreRows, type ScoredResult } from "../../use/predict/scored-rows.js";

export interface Evaluation extends Summary {
  /** metrics of all runs and baselines, with confidence intervals */
  compared: Compared[];
  /** whether metrics are those of items or of edges; absent unless tables are evaluated */
  of?: "items" | "edges";
  /** numbers of evaluated and left-out edges; only for --edges */
  edges?: EvaluatedEdges;
  /** the queries of the searches; only for --index */
  index?: IndexQueries;
  /** number of random splits of the probe; intervals are over the splits; absent for a single split */
  shuffles?: number;
  /** numbers of evaluated and left-out users; only for rankings */
  users?: EvaluatedUsers;
  /** results for new items for each number of known events; only for --cold */
  cold?: ColdResult[];
  /** properties of the content map; only for --content */
  content?: MapFacts;
  /** calibration curves; only for scores of binary labels */
  curves?: Curves;
  /** runs that are not evaluated because --refit trained them on the split, with a message; absent if there are none */
  unevaluated?: { name: string; run: string; why: string }[];
}

/**
 * Evaluates runs in one of the modes of options.ts: by the scores of a log's rows, the items ranked for its users
 * (with baselines), labels of items, held-out edges, or the recall of an index.
 *
 * Keys that training has not seen are out-of-vocabulary, as in training, and counted in the warnings.
 *
 * @param paths run directories; the log is read like the first run's training log, whose events are masked
 */
export async function evaluate(
  paths: readonly string[],
  given: EvaluateOptions,
  watch: Watch,
): Promise<Evaluation> {
  const start = performance.now();
  if (paths.length === 0)
    throw new UsageError(
      "no run named: baselines need one too, because they read the log with its options and learn from its " +
        "training data",
    );
  const evaluator = evaluatorFor(given);
  const { k, ef, cold, seed, bootstrap, dims } = given;
  const lists = {
    k: k && distinct(k),
    dims: dims && distinct(dims),
    ef: ef && distinct(ef),
    cold: cold && distinct(cold),
  };
  const options = { ...given, ...lists, reading: readingOf(given), ...badRowsOf(given) };
  const runs = await Promise.all(paths.map(openRun));
  const all = runs.map((run, i) => ({ run, path: paths[i]!, name: nameAmong(paths, i) }));
  const { named, unevaluated } = withoutSeen(all, given.part);
  const found = await evaluator(dims ? await withPrefixes(named, options.dims!) : named, options, watch);
  const { compared, warnings, rows, given: stated, ...rest } = found;
  for (const text of warnings) watch.observe({ stage: "warning", text });
  return {
    command: "evaluate",
    version,
    out: paths[0]!,
    seconds: (performance.now() - start) / 1000,
    rows,
    options: {
      run: paths.length > 1 ? paths : paths[0],
      ...definedOf({ ...stated, seed, bootstrap, dims: options.dims }),
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

/** Returns the run, and the run with vectors of fewer dimensions. @throws {UsageError} several runs, or no vectors */
async function withPrefixes(named: NamedRuns, dims: readonly number[]): Promise<NamedRuns> {
  const [{ run, path } = named[0]!, other] = named;
  if (other) throw new UsageError("--dims takes one run");
  const by = await capable(run, "scoresBy", "cannot be evaluated with vectors of fewer dimensions (--dims)");
  if (by === "weights") throw new UsageError(`run '${path}' scores by weights, not by vectors: omit --dims`);
  const table = await run.readTable();
  for (const length of dims) checkPrefix("--dims", length, table.dim);
  const axes = await axesOf(tableRows(table));
  const prefix = (length: number) => ({
    ...{ run, path, name: `dim ${length}` },
    table: projected(table, length, axes),
  });
  return [...named, ...dims.map(prefix)];
}

function withoutSeen(
  all: NamedRuns,
  part: "valid" | "test" | undefined,
): { named: NamedRuns; unevaluated: NonNullable<Evaluation["unevaluated"]> } {
  if (part === undefined) return { named: all, unevaluated: [] };
  const unevaluated = all.flatMap(({ run, path, name }) => {
    const why = whySeen(run, part);
    return why === undefined ? [] : [{ name, run: path, why }];
  });
  if (unevaluated.length === all.length) throw new UsageError(unevaluated[0]!.why);
  return { named: all.filter(({ run }) => whySeen(run, part) === undefined), unevaluated };
}

type Evaluated = Omit<Evaluation, keyof Summary | "unevaluated"> &
  Pick<Evaluation, "compared" | "warnings" | "rows"> &
  Partial<Pick<Evaluation, "metrics" | "steps">> & { given: Record<string, unknown> };
type NamedRuns = readonly (Contestant & { path: string })[];
type Evaluator = (runs: NamedRuns, options: Evaluating, watch: Watch) => Promise<Evaluated>;

function evaluatorFor(given: EvaluateOptions): Evaluator {
  const { index, edges, labels, neighborsBy, probe, cold, on, part } = given;
  const by = (mode: keyof typeof modes, evaluator: Evaluator): Evaluator => {
    checkMode(evaluateOptions, given, mode, modes);
    return evaluator;
  };
  if (index !== undefined) return by("index", evaluateIndex);
  if (edges !== undefined) return by("edges", evaluateEdges);
  if ((labels ?? neighborsBy ?? probe) !== undefined) return by("labels", evaluateLabels);
  if (!on && !part)
    return async (runs) => {
      for (const { run } of runs) await checkScores(run);
      throw new UsageError(
        "no data to evaluate on: use --on LOG, or --part test for the held-out test split",
      );
    };
  if (cold !== undefined) return by("cold", evaluateCold);
  // rejects options that suit neither scores nor rankings; the model decides between the two when its run is opened
  const others = Object.entries(given).filter(([name]) => !isFor(name, "ranking") && !isFor(name, "scores"));
  checkMode(evaluateOptions, Object.fromEntries(others), "scores", modes);
  return evaluateLog;
}

function isFor(name: string, mode: string): boolean {
  const { for: own } = new Map<string, Option>(Object.entries(evaluateOptions)).get(name) ?? {};
  return own === undefined || own.includes(mode);
}

/** Evaluates rankings if an option or the first run's model requires them, else scores. */
async function evaluateLog(runs: NamedRuns, options: Evaluating, watch: Watch): Promise<Evaluated> {
  const { run: first } = runs[0]!;
  const { rank, evaluate: scores } = await knownModelOf(first);
  const { ranking, baseline, score, candidates, foldInShare } = options;
  if (foldInShare !== undefined) for (const { run } of runs) await userFoldIn(run, "--fold-in-share");
  else if ((score ?? "model") === "model") for (const { run } of runs) await checkScores(run);
  // --score dot can rank any table, but all runs are ranked on one log, which is read as the first run recorded; an
  // imported table records no log
  else await eventRecipe(first, scores ? undefined : "Its table ranks after a trained run under --score dot");
  const asked =
    ranking === true || [baseline, score, candidates, foldInShare].some((one) => one !== undefined);
  const ranks = asked || (rank !== undefined && scores === undefined);
  checkMode(evaluateOptions, options, ranks ? "ranking" : "scores", modes);
  return await (ranks ? evaluateRanking : evaluateScores)(runs, options, watch);
}

async function evaluateScores(
  runs: readonly Contestant[],
  options: Evaluating,
  watch: Watch,
): Promise<ScoredResult & { given: Record<string, unknown> }> {
  const { on, part, logq, bins, curve, force = false } = options;
  if (curve !== undefined) await checkOutput(curve, force, "file");
  const { curves, ...scored } = await scoreRows(runs, options, watch);
  if (curve !== undefined)
    await writeFileAtomic(curve, [Buffer.from(curveLines(curves))], force, { signal: watch.signal });
  return { ...scored, curves, given: { on, part, logq, bins } };
}

function curveLines(curves: Curves): string {
  const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = Object.entries(curves).flatMap(([name, bins]) =>
    bins.map(({ rows, predicted, observed }, b) => [cell(name), b + 1, rows, predicted, observed].join(",")),
  );
  return ["run,bin,rows,predicted,observed", ...lines].map((line) => `${line}\n`).join("");
}

/** @throws {UsageError} the model neither predicts labels nor ranks items; the message names the run's other uses */
async function checkScores(run: Run): Promise<void> {
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
  const evaluated =
    `Evaluate its table with a file of the keys' labels: embed evaluate ${shellWord(run.path)} --labels FILE:item ` +
    "--neighbors-by COLUMN;";
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

async function evaluateRanking(
  runs: readonly Contestant[],
  options: Evaluating,
  watch: Watch,
): Promise<MeasuredRankings & { given: Record<string, unknown> }> {
  if (options.table !== undefined && (options.score ?? "model") === "model")
    throw new UsageError("--table needs --score dot or cosine: a model uses its own tables");
  const { on, part, mask, k = [20], repeats, candidates, baseline: baselines, score: scoring } = options;
  const { query, queryHalfLife, foldInShare } = options;
  const ranking = { mask, repeats, candidates, foldInShare, baselines, scoring, query, queryHalfLife };
  return { ...(await measureRankings(runs, options, watch)), given: { on, part, ...ranking, k } };
}
