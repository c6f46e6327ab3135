// `embed concat`: writes the tables of several runs side by side as one run.
//
//   user  [w_1^½ u_1, w_2^½ u_2 ..]     item  [w_1^½ v_1, w_2^½ v_2 ..]     their inner product is the sum of the runs'
//                                                                       scores, each times its weight w
//
// Weights that are not given are chosen on the validation split of the first run: relative to weights by which the runs'
// vectors have equal lengths, powers of 2.

import { ownRun } from "../table/own-run.js";
import { keyedRows, tableRows } from "../table/rows.js";
import { DEFAULT_TABLE, openRun, writeRun, type Run } from "../table/run-directory.js";
import { rowsOf, type EmbeddingTable } from "../table/table.js";
import { UsageError } from "../base/errors.js";
import { namedMean, rankingMetrics } from "../metrics/ranking.js";
import { vectorRanker } from "../metrics/rankers.js";
import { sharedRows } from "../metrics/shared-rows.js";
import { checkOutput } from "../base/io/atomic.js";
import { version } from "../base/io/package-version.js";
import { selectKeys } from "../log/keys.js";
import { defaultReadOptions } from "../log/log.js";
import { rankingProtocol } from "./rank-items/protocol.js";
import { fieldsOf, vectorsOfKeys } from "./rank-items/run-ranker.js";
import { eventRecipe, openEvaluated } from "./rank-items/user-events.js";
import { knownModelOf, modelOfCommand, refusal } from "../trainers/index.js";
import type { Capabilities } from "../training/capabilities/model.js";
import { resolved } from "../options/table.js";
import type { Watch } from "../training/session/watch.js";
import { concatOptions, type ConcatOptions } from "./options.js";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";

export interface ConcatSummary {
  command: "concat";
  version: string;
  out: string;
  dim: number;
  runs: { run: string; weight: number; dim: number }[];
  /** NDCG of the chosen weights on the validation split; absent if all weights were given */
  metrics?: Record<string, number>;
}

interface Side {
  run: Run;
  table: EmbeddingTable;
  /** undefined if it is to be chosen */
  weight: number | undefined;
}

/** Powers of 2 by which a weight that is not given is multiplied. */
const STEPS = [-4, -3, -2, -1, 0, 1, 2, 3, 4];

/**
 * Writes a run whose table has the vectors of several runs side by side. Keys are those of the first run.
 *
 * @param given run directories, each with `=WEIGHT` if its weight is not to be chosen
 * @throws {UsageError} a run does not rank by its table, or weights cannot be chosen
 */
export async function concatRuns(
  given: readonly string[],
  options: ConcatOptions,
  watch: Watch,
): Promise<ConcatSummary> {
  const { out, force = false } = options;
  await checkOutput(out, force, "directory", ownRun);
  if (given.length < 2) throw new UsageError(`concat needs at least two runs, got ${given.length}`);
  const sides: Side[] = [];
  for (const text of given) sides.push(await openSide(text, sides[0]?.run));
  const [{ run }] = sides as [Side];
  const names = fieldsOf(run);
  const isChosen = sides.slice(1).some(({ weight }) => weight === undefined);
  const { weights, metrics } = isChosen
    ? await chosenWeights(sides, names, options, watch)
    : { weights: sides.map(({ weight = 1 }) => weight), metrics: undefined };
  const table = sideBySide(sides, weights, names);
  const modelFiles = new Map<string, readonly Uint8Array[]>();
  for (const file of Object.keys(run.manifest.files)) {
    const name = file.slice("model/".length);
    if (file.startsWith("model/") && /^(preprocess|items|negatives|key-history)\./u.test(name))
      modelFiles.set(name, [await run.readModelFile(name)]);
  }
  const { options: trained, seed, inputs, roles, split, rows, hashing } = run.manifest;
  const model = await modelOfCommand("concat");
  const runs = sides.map((side, s) => ({ run: side.run.path, weight: weights[s]!, dim: side.table.dim }));
  await writeRun(
    out,
    force,
    {
      tables: { [DEFAULT_TABLE]: table },
      manifest: {
        ...{ version, command: "concat", model, seed, inputs, roles, split, rows },
        ...(hashing && { hashing }),
        options: { ...trained, dim: table.dim, concat: runs },
        ...{ metrics: metrics ? { valid: metrics } : {}, timings: {}, warnings: [] },
      },
      modelFiles: Object.fromEntries(modelFiles),
      metricsLines: [],
      givenIn: run.givenIn,
    },
    { signal: watch.signal },
  );
  return { command: "concat", version, out, dim: table.dim, runs, ...(metrics && { metrics }) };
}

/** @param first the first run, whose users and items all have */
async function openSide(text: string, first: Run | undefined): Promise<Side> {
  const [, path = text, weight] = /^(.+)=((?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)$/u.exec(text) ?? [];
  const run = await openRun(path);
  const addsUp = ({ mips, foldedRank }: Capabilities) => mips === "rows" || foldedRank === "dot";
  if (!addsUp(await knownModelOf(run)))
    throw await refusal(run, "cannot be put side by side: its scores are not inner products of rows", addsUp);
  const table = await run.readTable();
  const { user, item } = fieldsOf(first ?? run);
  if ([...table.fields].sort().join() !== [user, item].sort().join())
    throw new UsageError(
      `concat: the table of run '${path}' has ${table.fields.join(", ")}, and not '${user}' and '${item}' alone: train ` +
        "on the same users and items (--user, --item, --fields)",
    );
  return { run, table, weight: weight === undefined ? undefined : Number(weight) };
}

function sideBySide(
  sides: readonly Side[],
  weights: readonly number[],
  { user, item }: { user: string; item: string },
): EmbeddingTable {
  const { table } = sides[0]!;
  const dim = sides.reduce((sum, side) => sum + side.table.dim, 0);
  const vectors = new Float32Array(table.numRows * dim);
  const biases = new Float32Array(table.numRows);
  let offset = 0;
  sides.forEach(({ table: own }, s) => {
    const factor = Math.sqrt(weights[s]!);
    for (const name of [user, item]) {
      const { inA, inB } = sharedRows(table, own, name);
      inA.forEach((row, i) => {
        const from = inB[i]! * own.dim;
        for (let d = 0; d < own.dim; d++) vectors[row * dim + offset + d] = factor * own.vectors[from + d]!;
        if (name === item && own.weights) biases[row]! += weights[s]! * own.weights[inB[i]!]!;
      });
    }
    offset += own.dim;
  });
  const { weights: _, ...rest } = table;
  return { ...rest, dim, vectors, ...(sides.some((side) => side.table.weights) && { weights: biases }) };
}

async function chosenWeights(
  sides: readonly Side[],
  names: { user: string; item: string },
  options: ConcatOptions,
  watch: Watch,
): Promise<{ weights: number[]; metrics: Record<string, number> }> {
  const { k, repeats, threads } = resolved(concatOptions, options);
  const [{ run }] = sides as [Side];
  const splitOf = ({ manifest: { inputs, split } }: Run) =>
    JSON.stringify([inputs.map(({ sha256 }) => sha256), split]);
  const other = sides.find((side) => splitOf(side.run) !== splitOf(run));
  if (other || run.manifest.split.valid === 0)
    throw new UsageError(
      `concat chooses weights on the validation split, but ` +
        (other
          ? `'${other.run.path}' was trained on other rows than '${run.path}'`
          : `'${run.path}' was trained without --valid`) +
        ": set each weight (RUN=WEIGHT), or train all runs with the same split",
    );
  const preprocess = await eventRecipe(run);
  const how = { part: "valid" as const, reading: { ...defaultReadOptions, threads } };
  const { part, training } = await openEvaluated(
    { run, preprocess, options: how, watch },
    { withTimes: false, wanted: "weights are chosen on the validation split" },
  );
  const { users, masks, heldOut } = rankingProtocol(training, training.history, part, repeats);
  const weights = sides.map(({ weight }, s) => weight ?? (s === 0 ? 1 : 0));
  const measured = async (): Promise<[string, number]> => {
    const table = sideBySide(sides, weights, names);
    const keyed = await keyedRows(tableRows(table));
    const { rows, vectors: items } = await vectorsOfKeys(keyed, names.item, training.items, false);
    const ofUsers = await vectorsOfKeys(keyed, names.user, selectKeys(training.users, users), false);
    const { first } = rowsOf(table, names.item);
    const biases = Float32Array.from(rows, (row) =>
      row === NO_ITEM ? -Infinity : (table.weights?.[first + row] ?? 0),
    );
    const ranker = vectorRanker({ dim: table.dim, queries: ofUsers.vectors, items, weights: biases });
    const ranked = await ranker.top(masks, k + 1, { threads, signal: watch.signal });
    return namedMean(rankingMetrics(ranked, k + 1, [k], heldOut).find(({ name }) => name === `ndcgAt${k}`)!);
  };
  /** Length of a run's scores: that of all users' vectors times that of all items'. */
  const lengthOf = ({ table: { dim, vectors, ...table } }: Side): number =>
    [names.user, names.item].reduce((product, name) => {
      const { first, last } = rowsOf({ dim, vectors, ...table }, name);
      const squares = vectors.subarray(first * dim, last * dim).reduce((sum, x) => sum + x * x, 0);
      return product * (Math.sqrt(squares) || 1);
    }, 1);
  let best = await measured();
  const tried = [`'${run.path}' alone ${best[1].toFixed(4)}`];
  for (const [s, side] of sides.entries()) {
    if (s === 0 || side.weight !== undefined) continue;
    const equal = (weights[0]! * lengthOf(sides[0]!)) / lengthOf(side);
    let chosen = 0;
    for (const step of STEPS) {
      weights[s] = Number((equal * 2 ** step).toPrecision(3));
      const value = await measured();
      tried.push(`${side.run.path}=${weights[s]} ${value[1].toFixed(4)}`);
      if (value[1] > best[1]) [best, chosen] = [value, weights[s]];
    }
    weights[s] = chosen;
  }
  watch.observe({ stage: "note", text: `ndcg@${k} on the validation split: ${tried.join(", ")}` });
  return { weights, metrics: Object.fromEntries([best]) };
}
