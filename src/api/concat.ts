// `embed concat`: writes the tables of several runs side by side as one run.
//
//   user  [w_1^½ u_1, w_2^½ u_2 ..]     item  [w_1^½ v_1, w_2^½ v_2 ..]     their inner product is the sum of the runs'
//                                                                       scores, each times its weight w
//
// Weights that are not given are chosen on the validation split of the first run: relative to weights by which the runs'
// vectors have equal lengths, powers of 2.

import { CONCAT_MODEL } from "../factors/concat-models.js";
import { ownRun } from "../embedding/own-run.js";
import { keyedRows } from "../embedding/rows.js";
import { DEFAULT_TABLE, openRun, writeRun, type Run } from "../embedding/run-directory.js";
import { rowsOf, type EmbeddingTable } from "../embedding/table.js";
import { UsageError } from "../errors.js";
import { namedMean, rankingMetrics } from "../evaluation/ranking.js";
import { vectorRanker } from "../evaluation/rankers.js";
import { sharedRows } from "../evaluation/shared-rows.js";
import { checkOutput } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { selectKeys } from "../log/keys.js";
import { defaultReadOptions } from "../log/log.js";
import { rankingProtocol } from "../ranking/protocol.js";
import { fieldsOf, vectorsOfKeys } from "../ranking/run-ranker.js";
import { eventRecipe, openEvaluated } from "../ranking/user-events.js";
import { knownModelOf, refusal } from "../trainers/index.js";
import type { Capabilities } from "../training/capabilities/model.js";
import { resolved } from "../training/options/table.js";
import type { Watch } from "../training/session/watch.js";
import { concatOptions, type ConcatOptions } from "./options.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";

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

/** Vectors of the evaluated users and items. */
interface ScoredSide {
  dim: number;
  users: Float32Array;
  items: Float32Array;
  /** f32[numItems] */
  biases: Float32Array;
  /** product of the lengths of all users' and of all items' vectors */
  size: number;
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
  for (const text of given) sides.push(await openSide(text));
  const [first] = sides as [Side];
  const { user, item } = fieldsOf(first.run);
  for (const { run } of sides) {
    const own = fieldsOf(run);
    if (own.user !== user || own.item !== item)
      throw new UsageError(
        `concat: run '${run.path}' has users '${own.user}' and items '${own.item}', and '${first.run.path}' has ` +
          `'${user}' and '${item}': train them on the same columns`,
      );
  }
  const isChosen = sides.slice(1).some(({ weight }) => weight === undefined);
  const { weights, metrics } = isChosen
    ? await chosenWeights(sides, options, watch)
    : { weights: sides.map(({ weight = 1 }) => weight), metrics: undefined };
  const table = sideBySide(sides, weights, { user, item });
  const { run } = first;
  const modelFiles = new Map<string, readonly Uint8Array[]>();
  for (const file of Object.keys(run.manifest.files)) {
    const name = file.slice("model/".length);
    if (file.startsWith("model/") && /^(preprocess|items|negatives|key-history)\./u.test(name))
      modelFiles.set(name, [await run.readModelFile(name)]);
  }
  const { version: _, files: __, schemaVersion: ___, from: ____, asked: _____, ...manifest } = run.manifest;
  const {
    alignment: _a,
    added: _b,
    search: _c,
    searchedBy: _d,
    vectorsAdd: _e,
    init: _f,
    ...kept
  } = manifest;
  const runs = sides.map((side, s) => ({ run: side.run.path, weight: weights[s]!, dim: side.table.dim }));
  await writeRun(
    out,
    force,
    {
      tables: { [DEFAULT_TABLE]: table },
      manifest: {
        ...kept,
        ...{ version, command: "concat", model: CONCAT_MODEL, warnings: [] },
        options: { ...kept.options, dim: table.dim, concat: runs },
        metrics: metrics ? { valid: metrics } : {},
      },
      modelFiles: Object.fromEntries(modelFiles),
      metricsLines: [],
      givenIn: run.givenIn,
    },
    { signal: watch.signal },
  );
  return { command: "concat", version, out, dim: table.dim, runs, ...(metrics && { metrics }) };
}

async function openSide(text: string): Promise<Side> {
  const [, path = text, weight] = /^(.+)=(\d+(?:\.\d+)?(?:e-?\d+)?)$/u.exec(text) ?? [];
  const run = await openRun(path);
  const addsUp = ({ mips, foldedRank }: Capabilities) => mips === "rows" || foldedRank === "dot";
  if (!addsUp(await knownModelOf(run)))
    throw await refusal(run, "cannot be put side by side: its scores are not inner products of rows", addsUp);
  const table = await run.readTable();
  const { user, item } = fieldsOf(run);
  const others = table.fields.filter((name) => name !== user && name !== item);
  if (others.length > 0 || table.fields.length !== 2)
    throw new UsageError(
      `concat: the table of run '${path}' has ${table.fields.join(", ")}: train with users and items only (--fields)`,
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
  const { user, item } = fieldsOf(run);
  const found: ScoredSide[] = [];
  for (const side of sides)
    found.push(
      await side.run.withRows(undefined, async (rows) => {
        const keyed = await keyedRows(rows);
        const items = await vectorsOfKeys(keyed, item, training.items, false);
        const { first } = rowsOf(keyed.table, item);
        const biases = Float32Array.from(items.rows, (row) =>
          row === NO_ITEM ? 0 : (side.table.weights?.[first + row] ?? 0),
        );
        const ofUsers = await vectorsOfKeys(keyed, user, selectKeys(training.users, users), false);
        const size = lengthOf(ofUsers.vectors) * lengthOf(items.vectors);
        return { dim: side.table.dim, users: ofUsers.vectors, items: items.vectors, biases, size };
      }),
    );
  const weights = sides.map(({ weight }, s) => weight ?? (s === 0 ? 1 : 0));
  const measured = async (): Promise<[string, number]> => {
    const dim = found.reduce((sum, side) => sum + side.dim, 0);
    const input = {
      dim,
      queries: new Float32Array(users.length * dim),
      items: new Float32Array(training.items.size * dim),
      weights: new Float32Array(training.items.size),
    };
    let offset = 0;
    found.forEach((side, s) => {
      putBlock(
        input.queries,
        dim,
        offset,
        side.users.map((x) => x * weights[s]!),
        side.dim,
      );
      putBlock(input.items, dim, offset, side.items, side.dim);
      side.biases.forEach((bias, i) => (input.weights[i]! += weights[s]! * bias));
      offset += side.dim;
    });
    const ranked = await vectorRanker(input).top(masks, k, { threads, signal: watch.signal });
    return namedMean(
      rankingMetrics(ranked.items, k, [k], heldOut).find(({ name }) => name === `ndcgAt${k}`)!,
    );
  };
  let best = await measured();
  const tried = [`'${run.path}' alone ${best[1].toFixed(4)}`];
  for (const [s, side] of sides.entries()) {
    if (s === 0 || side.weight !== undefined) continue;
    const equal = (weights[0]! * found[0]!.size) / found[s]!.size;
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

function putBlock(
  target: Float32Array,
  dim: number,
  offset: number,
  rows: Float32Array,
  width: number,
): void {
  for (let row = 0, from = 0; from < rows.length; row++, from += width)
    target.set(rows.subarray(from, from + width), row * dim + offset);
}

function lengthOf(vectors: Float32Array): number {
  return Math.sqrt(vectors.reduce((sum, x) => sum + x * x, 0)) || 1;
}
