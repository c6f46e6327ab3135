// Folds in users, from the items of their events, and new items, from their contexts, for `transform --fold-in`.
//
//   user   Σ_i w_i h_i/|h_i| over the user's known items, normalized; w_i is the largest weight of an event with i:
//          1, or the run's weight of the event, times 2^(-age / half-life)
//   item   the minimum of J (below), given its contexts in the sessions of the events

import { MISSING } from "../../log/keys.js";
import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { spanMilliseconds } from "../../dataset/filters/event-limits.js";
import { gapOf, sequencesOf, type Sequences } from "../../dataset/sequences/sequences.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import { rowsOf } from "../../table/table.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { exp } from "../../base/numeric/exp.js";
import { unitRows } from "../../table/retrieval/nearest.js";
import {
  foldedColumn,
  keysFrom,
  newKeysOf,
  type FoldedKeys,
  type FoldingIn,
} from "../../training/capabilities/folded-keys.js";
import { silently, wholeOf } from "../../training/reading/split-parts.js";
import { openAsTrained } from "../../training/reading/open-as-trained.js";
import { readSpace, type RunSpace } from "../../training/capabilities/run-space.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";
import { CONTEXT_TABLE } from "../shared/skip-grams/capabilities.js";
import { windowSize, type Item2vecOptions } from "./options.js";
import { foldIn } from "../shared/factor-model/fold-in.js";
import { draw } from "../../base/numeric/random.js";
import { itemAt, noiseDistribution } from "../../dataset/sampling/noise-distribution.js";

const SMALL_L2 = 1;

/** Prepares folding in users, or items that the run does not know (`options.field`). */
export async function foldInSessions(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  const { field = "user", l2Weight, l2Vector, halfLife } = options;
  if (l2Weight !== undefined)
    throw new UsageError("--l2-weight cannot be used here: this model has no weights");
  if (field === "user" && l2Vector !== undefined)
    throw new UsageError("--l2-vector needs --field item: a user's vector is a mean and has no penalty");
  if (field === "item" && halfLife !== undefined)
    throw new UsageError("--half-life needs --field user: all contexts of a new item have equal weight");
  const model = await readSpace(run);
  checkTokens(model, field);
  const users = field === "user" ? usersOf(model, options) : undefined;
  return {
    ...{ dim: model.table.dim, biased: false },
    async of(log) {
      const read: Read = async (roles) =>
        (await openAsTrained(model.preprocess, log, silently(watch), { roles: roles })).dataset;
      return users ? await users(read) : await itemsOf(run, model, options, read, watch.signal);
    },
  };
}

/** New items need sessions whose only tokens are items. */
function checkTokens({ preprocess: { roles }, space }: RunSpace, field: string): void {
  const names = space.fields.map(({ name }) => name);
  const given = names.map((name) => `'${name}'`).join(", ");
  if (roles.item === undefined || !names.includes(roles.item))
    throw new UsageError(
      `--fold-in needs item vectors, but the run's tokens are ${given}: train with the item in --tokens`,
    );
  if (field === "item" && names.length > 1)
    throw new UsageError(
      `--fold-in --field item needs sessions of items only, but the run's tokens are ${given}: train without ` +
        "--tokens, or with --init RUN --freeze known on a log with the new items",
    );
}

type Read = (roles: readonly ("user" | "session" | "time")[]) => Promise<Dataset>;

/** Folds in every user of the events, or every session if the run has no user column. */
function usersOf(model: RunSpace, { halfLife }: TransformOptions): (read: Read) => Promise<FoldedKeys> {
  const { roles } = model.preprocess;
  const role = roles.user === undefined ? "session" : "user";
  const span = halfLife === undefined ? undefined : spanMilliseconds(halfLife);
  if (halfLife !== undefined && !(span !== undefined && span > 0))
    throw new UsageError(`--half-life expects a duration such as 30d (h, d, w), got '${halfLife}'`);
  if (span !== undefined && roles.time === undefined)
    throw new UsageError("--half-life needs times, but the run was trained without a time column");
  const { first, last } = rowsOf(model.table, roles.item!);
  const { dim } = model.table;
  const units = unitRows(model.table.vectors.subarray(first * dim, last * dim), dim);
  return async (read) => {
    const dataset = await read(span === undefined ? [role] : [role, "time"]);
    const column = foldedColumn(dataset, roles[role]!);
    const { counts, itemColumn, ids } = itemsIn(model, dataset);
    const times = span === undefined ? undefined : columnNamed(dataset, roles.time!);
    const ageOf = times?.kind === "number" ? agesOf(column, times.values) : undefined;

    // weights are not normalized, because the vectors are normalized afterwards
    const counted = rowWeights(dataset, wholeOf(dataset).rows, model.preprocess);
    // known items of each user, with the maximum weight of the user's events with the item
    const histories = Array.from({ length: column.dictionary.size }, () => new Map<number, number>());
    let [numEvents, numUnknown] = [0, 0];
    column.codes.forEach((code, row) => {
      const item = itemColumn.codes[row]!;
      if (code === MISSING || item === MISSING) return;
      const id = ids[item]!;
      if (id === 0) numUnknown++;
      if (id === 0 || counts[id - 1] === 0) return;
      numEvents++;
      const decay = ageOf && span !== undefined ? exp((-Math.LN2 * ageOf(row)) / span) : 1;
      const weight = (counted?.[row] ?? 1) * decay;
      const own = histories[code]!;
      own.set(id - 1, Math.max(own.get(id - 1) ?? 0, weight));
    });
    const vectors = histories.map((own) => meanDirection(own, units, dim));
    return {
      column,
      codes: [...histories.keys()],
      vectors,
      lack: "has an event with an item known to the run",
      notes: [
        ...(numUnknown === 0
          ? []
          : [
              `ignored ${numUnknown} events with items unknown to the run (--field item computes vectors for ` +
                "them)",
            ]),
        keysFrom(column, vectors, numEvents),
      ],
    };
  };
}

/** Returns the age of a row: milliseconds before the latest event of the same key. */
function agesOf({ codes, dictionary }: KeyColumn, times: Float64Array): (row: number) => number {
  const latest = new Float64Array(dictionary.size).fill(-Infinity);
  codes.forEach((code, row) => {
    if (code !== MISSING) latest[code] = Math.max(latest[code]!, times[row]!);
  });
  return (row) => latest[codes[row]!]! - times[row]!;
}

/** Returns the normalized weighted mean of unit vectors; undefined if there are none, or if they cancel out. */
function meanDirection(
  weights: ReadonlyMap<number, number>,
  units: Float32Array,
  dim: number,
): Float64Array | undefined {
  const sum = new Float64Array(dim);
  // vectors are added in the order of items, so that the order of events does not affect rounding
  for (const [item, weight] of [...weights].sort(([a], [b]) => a - b))
    for (let d = 0; d < dim; d++) sum[d]! += weight * units[item * dim + d]!;
  const length = Math.sqrt(sum.reduce((squares, x) => squares + x * x, 0));
  return length > 0 ? sum.map((x) => x / length) : undefined;
}

async function itemsOf(
  run: Run,
  model: RunSpace,
  { l2Vector = SMALL_L2 }: TransformOptions,
  read: Read,
  signal: AbortSignal,
): Promise<FoldedKeys> {
  if (!(l2Vector > 0))
    throw new UsageError(
      `--l2-vector must be above 0 here, otherwise the solution is not unique, got ${l2Vector}`,
    );
  const options = run.manifest.options as unknown as Item2vecOptions;
  const { roles } = model.preprocess;
  const { sessionGap } = options;
  const by = sessionGap !== undefined ? "gap" : roles.session !== undefined ? "session" : "user";
  const dataset = await read([by === "session" ? "session" : "user", "time"]);
  const { column, codes } = newKeysOf(model, dataset, { given: "item" });
  const { ids, counts } = itemsIn(model, dataset);
  const { dim } = model.table;
  const numKnown = counts.length;
  const placeOf = new Map(codes.map((code, place) => [code, place]));
  const counted = countsOf(model, dataset);
  const tokenOf = column.codes.map((code) => {
    if (code === MISSING) return MISSING;
    return ids[code] === 0 ? numKnown + placeOf.get(code)! : ids[code]! - 1;
  });
  const sessions = sequencesOf(dataset, Uint32Array.from(tokenOf.keys()), [tokenOf], {
    ...{ by, minLength: options.minLength, maxLength: options.maxLength, repeats: options.keepRepeats },
    ...(sessionGap !== undefined && { gap: gapOf(sessionGap, "--session-gap") }),
  });
  const masses = contextsOf(sessions, counted, { numKnown, numNew: codes.length }, options);
  const context = await run.readTable(CONTEXT_TABLE);
  const { first, last } = rowsOf(context, roles.item!);
  const fixed = {
    dim,
    vectors: context.vectors.subarray(first * dim, last * dim),
    noise: noiseOf(counts, options),
  };
  const vectors: FoldedKeys["vectors"] = [];
  for (const own of masses) {
    // a fit takes some tenths of a second; between two fits, signals are handled
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    const isAlone = own.size === 0;
    vectors.push(
      isAlone ? undefined : foldInItem(fixed, own, { negatives: options.negatives, l2: l2Vector }),
    );
  }
  return {
    column,
    codes,
    vectors,
    lack: "occurs next to an item known to the run",
    notes: [
      ...sessions.notes,
      keysFrom(column, vectors, tokenOf.filter((token) => token !== MISSING && token >= numKnown).length),
    ],
  };
}

/** Returns each new item's known contexts, with the sum of their pairs' weights, by distance and both events. */
function contextsOf(
  { offsets, tokens, rows, numSessions }: Sequences,
  counted: Float64Array | undefined,
  { numKnown, numNew }: { numKnown: number; numNew: number },
  options: Pick<Item2vecOptions, "window" | "windowDirection">,
): Map<number, number>[] {
  const window = windowSize({ window: options.window });
  const before = options.windowDirection === "after" ? 0 : window;
  const masses = Array.from({ length: numNew }, () => new Map<number, number>());
  for (let session = 0; session < numSessions; session++) {
    const [first, end] = [offsets[session]!, offsets[session + 1]!];
    for (let i = first; i < end; i++) {
      if (tokens[i]! < numKnown) continue;
      const own = masses[tokens[i]! - numKnown]!;
      for (let j = Math.max(first, i - before); j <= Math.min(end - 1, i + window); j++) {
        const token = tokens[j]!;
        if (j === i || token >= numKnown) continue;
        const near = (window - Math.abs(i - j) + 1) / window;
        const pair = counted ? Math.sqrt(counted[rows[i]!]! * counted[rows[j]!]!) : 1;
        own.set(token, (own.get(token) ?? 0) + near * pair);
      }
    }
  }
  return masses;
}

/** Returns the weight of each event, f64 by row, with mean 1; undefined if all are 1. */
function countsOf({ preprocess }: RunSpace, dataset: Dataset): Float64Array | undefined {
  const weights = rowWeights(dataset, wholeOf(dataset).rows, preprocess);
  const mean = weights ? weights.reduce((sum, weight) => sum + weight, 0) / weights.length : 1;
  return mean > 0 ? weights?.map((weight) => weight / mean) : weights;
}

function itemsIn({ preprocess: { roles }, space, table }: RunSpace, dataset: Dataset) {
  const name = roles.item!;
  const field = space.fields.find((one) => one.name === name);
  const itemColumn = foldedColumn(dataset, name);
  if (field?.kind !== "key") throw new RangeError(`'${name}' is not a field of keys`);
  const { first, last } = rowsOf(table, name);
  return {
    itemColumn,
    /** u32 by item code of the log: row of the run's table, counted from 1; 0 for an unknown item */
    ids: idsOf(field, itemColumn.dictionary),
    counts: table.counts.subarray(first, last),
  };
}

// The vector of a new item from its contexts, whose vectors are fixed:
//
//   J(h) = Σ_c m_c log(1 + e^(-h·z_c)) + K M E_n log(1 + e^(h·z_n)) + λ/2 |h|²        M = Σ_c m_c
//
//   h    f64[dim], the item as a centre        z   f32[dim], the context vectors of known items
//   m_c  number of times that c is a context of the item, each weighted by its distance
//   K    negatives per context        n  noise, from the run's distribution
//
// J is the training loss of one centre, with the mean over the noise in place of samples, plus a penalty. It is
// strictly convex for λ > 0, so the minimum is unique.

/** The mean over noise is exact up to this number of items; beyond, it is estimated from as many samples. */
const MOST_NOISE = 4096;
/** Number of the random stream for the samples of noise, which differs from the seed's other streams. */
const FOLD_IN_NOISE = 0xf01d;

export interface FixedContexts {
  dim: number;
  /** context vectors of the known items, f32[numItems * dim], row-major */
  vectors: Float32Array;
  /** items of the noise, and their probabilities, whose sum is 1 */
  noise: { items: Uint32Array; chances: Float64Array };
}

export function noiseOf(
  counts: Uint32Array,
  { noiseExponent, seed }: { noiseExponent: number; seed: number },
): FixedContexts["noise"] {
  const cumulative = noiseDistribution(counts, noiseExponent);
  const chanceOf = (item: number) => cumulative[item]! - (item > 0 ? cumulative[item - 1]! : 0);
  const all = Uint32Array.from(counts.keys()).filter((item) => counts[item]! > 0);
  if (all.length <= MOST_NOISE) return { items: all, chances: Float64Array.from(all, chanceOf) };
  // stratified sampling reduces the variance: one sample is drawn from each of equal shares of the distribution
  const key = draw(seed, FOLD_IN_NOISE);
  const chanceByItem = new Map<number, number>();
  for (let i = 0; i < MOST_NOISE; i++) {
    const item = itemAt(cumulative, (i + draw(key, i) / 2 ** 32) / MOST_NOISE);
    chanceByItem.set(item, (chanceByItem.get(item) ?? 0) + 1 / MOST_NOISE);
  }
  return { items: Uint32Array.from(chanceByItem.keys()), chances: Float64Array.from(chanceByItem.values()) };
}

/** Minimizes J by Newton's method from 0. @param masses m_c, for at least one item @param how.l2 λ, above 0 */
export function foldInItem(
  { dim, vectors, noise }: FixedContexts,
  masses: ReadonlyMap<number, number>,
  { negatives, l2 }: { negatives: number; l2: number },
): Float64Array {
  const mass = [...masses.values()].reduce((sum, m) => sum + m, 0);
  const numRows = masses.size + noise.items.length;
  const rows = {
    dim,
    phi: new Float64Array(numRows * (1 + dim)),
    offsets: new Float64Array(numRows),
    labels: new Float64Array(numRows).fill(1, 0, masses.size),
    weights: Float64Array.of(...masses.values(), ...noise.chances.map((chance) => negatives * mass * chance)),
  };
  // foldIn also fits a weight, which stays 0 because its column of `phi` is zero
  [...masses.keys(), ...noise.items].forEach((item, row) =>
    rows.phi.set(vectors.subarray(item * dim, (item + 1) * dim), row * (1 + dim) + 1),
  );
  return foldIn(rows, { loss: "logistic", l2Weight: 1, l2Vector: l2 }).subarray(1);
}
