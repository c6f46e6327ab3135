// Folds in new users or items of a run of train-ranking, from their events, with all trained parameters fixed.
//
//   theta = (w, v)   the parameters to fit; a user's w cancels in every comparison and stays 0
//
// Differences of two scores are linear in theta, so that their logistic loss is that of trainers/shared/factor-model/fold-in.ts with label
// 1:
//
//   difference = <phi, theta> + c
//   new user   an event's item i against 32 drawn items j that the user lacks
//              phi = (0, q_i - q_j)      c = <p, q_i - q_j> + b_i - b_j       p: the rest of the event's context
//   new item   against 32 drawn items j, for an event whose context is p
//              phi = (1, p)              c = -(<p, q_j> + b_j)
//              and, as often, an event (u, i) of the training in which it might have been drawn
//              phi = -(1, p_u)           c = <p_u, q_i> + b_i
//
// This is the loss of BPR, whatever the run's: of WARP, hard negatives and the softmax over inner products it is the
// nearest that is convex. Cosines have a closed form: the direction along which the events' cosines sum to most, the
// sum of their unit vectors over its length.

import { keyAt } from "../../log/keys.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import { hashText } from "../../base/numeric/hash.js";
import { bindEncoder } from "../../dataset/rows.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { lowerBound } from "../../base/numeric/indices.js";
import { draw } from "../../base/numeric/random.js";
import { itemsOf, usersOf, type NegativeSource } from "../../dataset/sampling/negatives.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { composeVectors, composeWeights } from "../shared/factor-model/compose.js";
import {
  foldInEvents,
  penaltiesOf,
  type FoldingModel,
  type NewEvents,
} from "../shared/factor-model/fold-in-events.js";
import { foldIn, type FoldInEvents } from "../shared/factor-model/fold-in.js";
import type { FmRun } from "../shared/factor-model/artifact.js";
import { readNegatives } from "../../training/examples/item-file.js";
import type { FoldingIn } from "../../training/capabilities/folded-keys.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";

/** Negative items per event. */
const DRAWS = 32;
/** Maximum number of tries to sample an item that the user lacks. */
const TRIES = 64;

export async function foldInByPairs(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, async (_, model) => {
    const source = await readNegatives(run, model.preprocess);
    const items = {
      vectors: composeVectors(model.parameters, source.templates),
      biases: composeWeights(model.parameters, source.templates),
    };
    return (events) => {
      if (events.side === "item" && run.manifest.options["itemNeighbors"] !== undefined) {
        const text =
          "--item-neighbors is not applied to new items: their vectors are fitted to their events only";
        watch.observe({ stage: "note", text });
      }
      return foldInPairs(run, model, { source, items }, events, options);
    };
  });
}

/**
 * Fits the vector of each new key. Events with an unknown item (of a new user) or an unknown user (of a new item) are
 * ignored; a key without other events gets zeros.
 *
 * @param known items that each user has, and the items' vectors f32[numItems * dim] and biases f32[numItems]
 */
function foldInPairs(
  run: Run,
  model: FoldingModel,
  { source, items }: { source: NegativeSource; items: { vectors: Float32Array; biases: Float32Array } },
  events: NewEvents,
  options: TransformOptions,
): Float64Array[] {
  const { space, parameters } = model;
  const { dim } = parameters;
  const { dataset, side, column, codes, f, rows } = events;
  const { itemFields = [] } = model.preprocess;
  // the event's new key contributes 0 to the context, because an unknown feature has no vector
  const contextFields = space.fields.flatMap(({ name }, g) => (itemFields.includes(name) ? [] : [g]));
  const all = Uint32Array.from(rows.flat());
  const contexts = composeVectors(
    parameters,
    bindEncoder(space, dataset).encode(all, new Float32Array(all.length), contextFields),
  );
  const itemOf = itemsOf(source.items, dataset, all);
  const userOf = usersOf(source.users, dataset, all);
  const weights = rowWeights(dataset, all, model.preprocess);
  const unit = run.manifest.options["similarity"] === "cosine";
  const penalties = { ...penaltiesOf(run, model, { f }, options), loss: "logistic" as const };
  const userVectors = side === "item" ? vectorsOfUsers(model, source) : undefined;

  let from = 0;
  return codes.map((code, place) => {
    const own = Array.from(rows[place]!.keys(), (e) => from + e).filter(
      (e) => (side === "user" ? itemOf[e] : userOf[e]) !== NO_ITEM,
    );
    from += rows[place]!.length;
    const rowOf = (vectors: Float32Array, r: number) => vectors.subarray(r * dim, (r + 1) * dim);
    if (unit) {
      const others = own.map((e) =>
        side === "user" ? rowOf(items.vectors, itemOf[e]!) : rowOf(contexts, e),
      );
      return Float64Array.of(0, ...direction(dim, others, (i) => weights?.[own[i]!] ?? 1));
    }
    const key = draw(run.manifest.seed, hashText(keyAt(column.dictionary, code)).lo);
    const pairs = new Pairs(dim, own.length * DRAWS * (side === "user" ? 1 : 2));
    const scoreOf = (p: ArrayLike<number>, item: number) =>
      items.biases[item]! + dot(p, rowOf(items.vectors, item));
    const has = new Set(own.map((e) => itemOf[e]!));
    const { indptr, items: history } = source.history;
    own.forEach((e, n) => {
      const p = rowOf(contexts, e);
      const weight = (weights?.[e] ?? 1) / DRAWS;
      const q = rowOf(items.vectors, itemOf[e]!);
      const score = side === "user" ? scoreOf(p, itemOf[e]!) : 0;
      const taken =
        side === "user" ? undefined : history.subarray(indptr[userOf[e]!], indptr[userOf[e]! + 1]);
      const isTaken = (item: number) => (taken ? taken[lowerBound(taken, item)] === item : has.has(item));
      for (let k = 0; k < DRAWS; k++) {
        const number = n * DRAWS + k;
        const other = drawItem(source.items.size, draw(key, number), isTaken);
        if (other === undefined) continue;
        if (side === "user") {
          const r = rowOf(items.vectors, other);
          const phi = pairs.add(0, score - scoreOf(p, other), weight);
          for (let d = 0; d < dim; d++) phi[d] = Math.fround(q[d]! - r[d]!);
          continue;
        }
        pairs.add(1, -scoreOf(p, other), weight).set(p);
        // draws a training event for which the new item could have been sampled as a negative
        const event = draw(draw(key, 1), number) % history.length;
        const v = rowOf(userVectors!, lowerBound(indptr, event + 1) - 1);
        const phi = pairs.add(-1, scoreOf(v, history[event]!), weight);
        for (let d = 0; d < dim; d++) phi[d] = -v[d]!;
      }
    });
    return foldIn(pairs.events(), penalties);
  });
}

/** Comparisons of two scores, as rows of a logistic regression. */
class Pairs {
  readonly #phi: Float64Array;
  readonly #offsets: Float64Array;
  readonly #weights: Float64Array;
  #count = 0;

  constructor(
    readonly dim: number,
    most: number,
  ) {
    this.#phi = new Float64Array(most * (1 + dim));
    this.#offsets = new Float64Array(most);
    this.#weights = new Float64Array(most);
  }

  /** Adds a comparison, and returns the array into which the caller writes the coefficients of the vector. */
  add(weight: number, offset: number, counts: number): Float64Array {
    const pair = this.#count++;
    const from = pair * (1 + this.dim);
    this.#phi[from] = weight;
    this.#offsets[pair] = offset;
    this.#weights[pair] = counts;
    return this.#phi.subarray(from + 1, from + 1 + this.dim);
  }

  /** The label is 1: the first score should be above the second. */
  events(): FoldInEvents {
    const count = this.#count;
    return {
      dim: this.dim,
      phi: this.#phi.subarray(0, count * (1 + this.dim)),
      offsets: this.#offsets.subarray(0, count),
      labels: new Float64Array(count).fill(1),
      weights: this.#weights.subarray(0, count),
    };
  }
}

/** Returns the normalized weighted sum of unit vectors; zeros if there are none. */
function direction(
  dim: number,
  vectors: readonly ArrayLike<number>[],
  weightOf: (i: number) => number,
): Float64Array {
  const sum = new Float64Array(dim);
  vectors.forEach((v, i) => {
    const length = Math.sqrt(dot(v, v)) || 1;
    for (let d = 0; d < dim; d++) sum[d]! += (weightOf(i) * v[d]!) / length;
  });
  const length = Math.sqrt(dot(sum, sum)) || 1;
  return sum.map((x) => x / length);
}

/** Returns f32[numUsers * dim]: the vector of each user's own feature, without other features of the context. */
function vectorsOfUsers(
  { space, preprocess, parameters: { dim, vectors } }: FmRun,
  { users }: NegativeSource,
) {
  const f = space.fields.findIndex(({ name }) => name === preprocess.roles.user);
  const field = space.fields[f];
  const all = new Float32Array(users.size * dim);
  if (field?.kind !== "key") return all;
  idsOf(field, users).forEach((id, user) => {
    const feature = space.offsets[f]! + id;
    all.set(vectors.subarray(feature * dim, (feature + 1) * dim), user * dim);
  });
  return all;
}

/** Samples an item for which `isTaken` is false; undefined if none is found in TRIES tries. */
function drawItem(numItems: number, key: number, isTaken: (item: number) => boolean): number | undefined {
  for (let counter = 0; counter < TRIES; counter++) {
    const item = Math.floor((draw(key, counter) / 2 ** 32) * numItems);
    if (!isTaken(item)) return item;
  }
  return undefined;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}
