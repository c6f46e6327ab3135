// Folds in users, from the items of their events, and new items, from their contexts, for `transform --fold-in`.
//
//   user   Σ_i w_i h_i/|h_i| over the user's known items, normalized; w_i is the largest weight of an event with i:
//          1, or the run's weight of the event, times 2^(-age / half-life)
//   item   the fit of fold-in-item.ts to its contexts in the sessions of the events

import { MISSING } from "../../log/keys.js";
import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { spanMilliseconds } from "../../dataset/filters/event-limits.js";
import { gapOf, sequencesOf, type Sequences } from "../../dataset/sequences/sequences.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import { rowsOf } from "../../embedding/table.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { exp } from "../../numeric/exp.js";
import { unitRows } from "../../retrieval/nearest.js";
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
import type { TransformOptions } from "../../training/options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";
import { foldInItem, noiseOf } from "./fold-in-item.js";
import { CONTEXT_TABLE } from "../../skip-grams/names.js";
import { windowSize, type Item2vecOptions } from "./options.js";

/** Default λ (L2) of the fit of a new item. */
const SMALL_L2 = 1;

/**
 * Prepares folding in users, or items that the run does not know (`options.field`).
 *
 * @throws {UsageError} an option does not apply to the field, there is no new item, or a half-life is given without
 * times
 */
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

/**
 * Checks the run's tokens.
 *
 * @throws {UsageError} the run has no items, or its sessions have tokens other than items, which new items would need
 */
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

/**
 * Returns a function that folds in every user of the events, or every session if the run has no user column.
 * @throws {UsageError} the half-life is invalid
 */
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
      if (id === 0 || counts[id - 1] === 0 || counted?.[row] === 0) return;
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

/** Returns a function that computes the age of a row: milliseconds before the latest event of the same key. */
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

/** Folds in every item of the events that the run does not know. */
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
  const { ids, counts, field, dim } = itemsIn(model, dataset);
  const numKnown = counts.length;
  const placeOf = new Map(codes.map((code, place) => [code, place]));
  const counted = countsOf(model, dataset);
  const tokenOf = column.codes.map((code, row) => {
    if (code === MISSING || counted?.[row] === 0) return MISSING;
    return ids[code] === 0 ? numKnown + placeOf.get(code)! : ids[code]! - 1;
  });
  const sessions = sequencesOf(dataset, Uint32Array.from(tokenOf.keys()), [tokenOf], {
    ...{ by, minLength: options.minLength, maxLength: options.maxLength, repeats: options.keepRepeats },
    ...(sessionGap !== undefined && { gap: gapOf(sessionGap, "--session-gap") }),
  });
  const masses = contextsOf(sessions, counted, { numKnown, numNew: codes.length }, options);
  const context = await run.readTable(CONTEXT_TABLE);
  const { first, last } = rowsOf(context, field);
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

/**
 * Returns for each new item its known contexts, with the sum of their pairs' weights; a pair is weighted by its
 * distance and by both events' weights.
 */
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

/**
 * Returns f64 by row: weight of each event by the run's --weight and --event-weight, with mean 1; undefined if all are
 * 1.
 */
function countsOf({ preprocess }: RunSpace, dataset: Dataset): Float64Array | undefined {
  const weights = rowWeights(dataset, wholeOf(dataset).rows, preprocess);
  const mean = weights ? weights.reduce((sum, weight) => sum + weight, 0) / weights.length : 1;
  return mean > 0 ? weights?.map((weight) => weight / mean) : weights;
}

/** Returns the items of a run, and the row of the run's table for each item code of the log. */
function itemsIn({ preprocess: { roles }, space, table }: RunSpace, dataset: Dataset) {
  const name = roles.item!;
  const field = space.fields.find((one) => one.name === name);
  const itemColumn = foldedColumn(dataset, name);
  if (field?.kind !== "key") throw new RangeError(`'${name}' is not a field of keys`);
  const { first, last } = rowsOf(table, name);
  const { dim } = table;
  return {
    field: name,
    dim,
    itemColumn,
    /** u32 by item code of the log: row of the run's table, counted from 1; 0 for an unknown item */
    ids: idsOf(field, itemColumn.dictionary),
    counts: table.counts.subarray(first, last),
    /** vectors of the known items, f32[numItems * dim] */
    vectors: table.vectors.subarray(first * dim, last * dim),
  };
}
