// Measures the runs of a comparison and the baselines on its test split, as `embed evaluate --part test` does.

import { openRun } from "../../embedding/run-directory.js";
import { comparedBaselines } from "../../evaluation/baselines/baselines.js";
import { compare } from "../../evaluation/comparison.js";
import {
  leaderboardOf,
  type Entrant,
  type Leaderboard,
  type Untrained,
} from "../../evaluation/leaderboard.js";
import { rowMetrics } from "../../evaluation/metrics.js";
import { definedOf } from "../../training/options/table.js";
import { firstReadingOf } from "../../training/options/reading.js";
import type { Contestant, Curves } from "../../training/judging/evaluate-scores.js";
import type { Watch } from "../../training/session/watch.js";
import { knownModelOf } from "../../trainers/index.js";
import { measureRankings, type RankingEvaluation } from "../../ranking/measure.js";
import { commandForAllRows } from "../../recipes/run-recipe.js";
import { measureScores } from "../scored-rows.js";
import type { ExaminedLog } from "./examine-log.js";
import type { GivenCompare } from "./options.js";
import type { Finished } from "./train-all.js";

/** Options for both kinds of measurements: of the lists that runs rank, and of the scores that they predict. */
type Shared = Pick<RankingEvaluation, "part" | "seed" | "bootstrap" | "reading" | "hashKeys">;
type Asked = GivenCompare & { k: number; bootstrap: number };

/** The leaderboard, and the calibration curve of each run by its path. */
export interface Measurement {
  leaderboard: Leaderboard;
  curves: Curves;
}

/** Measures the runs and the baselines. @param untrained trainings that were skipped or failed, with reasons */
export async function measure(
  finished: readonly Finished[],
  examined: ExaminedLog,
  untrained: readonly Untrained[],
  given: Asked,
  watch: Watch,
): Promise<Measurement> {
  const runs = await Promise.all(
    finished.map(async ({ name, path }) => ({ name, run: await openRun(path) })),
  );
  const added = new Map(runs.map(({ name, run }) => [name, run.manifest.vectorsAdd]));
  const forAllRows = await Promise.all(
    finished.map(async ({ recipe }) => (recipe ? await commandForAllRows(recipe) : undefined)),
  );
  const entrants = new Map(
    finished.map(({ name, baseline = false, path, trainer, seconds, cut }, i): [string, Entrant] => [
      name,
      {
        ...{ isBaseline: baseline, run: path, command: trainer.command, seconds },
        ...definedOf({ commandForAllRows: forAllRows[i], vectorsAdd: added.get(name) }),
        ...(cut && { cut }),
      },
    ]),
  );
  const { hashKeys, seed = 1, bootstrap } = given;
  const options: Shared = { part: "test", seed, bootstrap, reading: firstReadingOf(given), hashKeys };
  const isRanking = examined.traits.goal === "lists";
  const found = await (isRanking ? measureLists : measurePredictions)(runs, examined, options, given, watch);
  for (const text of mergedWarnings(found.warnings, runs)) watch.observe({ stage: "warning", text });
  const leaderboard = leaderboardOf(found.compared, entrants, {
    ...{ metrics: found.metrics, on: found.on },
    untrained: [...untrained, ...found.unmeasured],
    vectorAdvice: vectorAdvice(examined),
  });
  const curves = finished.flatMap(({ name, path }) => {
    if (!found.curves || !Object.hasOwn(found.curves, name)) return [];
    return [[path, found.curves[name]!] as const];
  });
  return { leaderboard, curves: Object.fromEntries(curves) };
}

/** Returns advice for those who want similar items: vectors that predict labels make them less alike. */
function vectorAdvice({ traits: { goal, task, roles } }: ExaminedLog): string | undefined {
  if (goal !== "predictions" || roles.user === undefined || roles.item === undefined) return undefined;
  const from = task === "binary" ? "1" : "N";
  return `For vectors of items whose neighbors are alike, compare trainers of the positives: --goal lists --positive-from ${from}.`;
}

type Measured = Pick<Leaderboard, "metrics" | "on"> & {
  compared: ReturnType<typeof compare>;
  /** names of the baselines that were not measured, with the reasons */
  unmeasured: Untrained[];
  warnings: string[];
  /** calibration curves of runs by name; only if label predictions are compared */
  curves?: Curves;
};

async function measureLists(
  runs: readonly Contestant[],
  { items = 0, split }: ExaminedLog,
  options: Shared,
  { k, repeats }: Asked,
  watch: Watch,
): Promise<Measured> {
  const { names: baseline, unmeasured } = comparedBaselines({ items, repeats: repeats === "allow" });
  const ranking = { k: [k], baseline, score: "own" as const, repeats };
  const ordered = await rankersFirst(runs);
  const { compared, users, warnings, skipped } = await measureRankings(
    ordered,
    { ...options, ...ranking },
    watch,
  );
  const late = skipped.map((name) => ({
    name,
    why: "the budget was spent before this baseline was measured",
  }));
  return {
    ...{ compared, warnings, metrics: [`recallAt${k}`, `ndcgAt${k}`] },
    on: `${formatCount(users.judged)} users with held-out items among ${formatCount(split.test)} test rows`,
    unmeasured: [...unmeasured, ...late],
  };
}

async function measurePredictions(
  runs: readonly Contestant[],
  { constant, split, traits: { task } }: ExaminedLog,
  options: Shared,
  { bootstrap: samples, seed = 1 }: Asked,
  watch: Watch,
): Promise<Measured> {
  const { measured, units, warnings, curves } = await measureScores(runs, options, watch);
  const isAlike = constant !== undefined && constant.units === units;
  const all = [...measured, ...(isAlike ? [constant.measured] : [])];
  return {
    compared: compare(all, units, { samples, seed }),
    ...{ warnings, curves },
    metrics: rowMetrics(task === "binary" ? "binary" : "regression").map(({ name }) => name) as [string],
    on: `${formatCount(split.test)} rows of the test split`,
    unmeasured: isAlike ? [] : [{ name: "mean label", why: "the runs were measured on other users or rows" }],
  };
}

/** Sorts runs whose models rank items to the front, because the first run decides which rows are events. */
async function rankersFirst(runs: readonly Contestant[]): Promise<Contestant[]> {
  const ranks = await Promise.all(runs.map(async ({ run }) => (await knownModelOf(run)).rank !== undefined));
  return [...runs.filter((_, i) => ranks[i]), ...runs.filter((_, i) => !ranks[i])];
}

/** Merges equal warnings of several runs into one warning. @param warnings `NAME: TEXT`, or `TEXT` without the name */
function mergedWarnings(warnings: readonly string[], runs: readonly { name: string }[]): string[] {
  const names = new Map<string, string[]>();
  for (const warning of warnings) {
    const of = runs.find(({ name }) => warning.startsWith(`${name}: `));
    const text = of ? warning.slice(of.name.length + 2) : warning;
    names.set(text, [...(names.get(text) ?? []), ...(of ? [of.name] : [])]);
  }
  return [...names].map(([text, of]) => (of.length === 0 ? text : `${of.join(", ")}: ${text}`));
}

function formatCount(n: number): string {
  return n.toLocaleString("en");
}
