// Factorizes the events of users and items by MLlib's ALS on a Spark Connect server (--engine-train).
//
//   events (user, item, confidence) ──► server ──► MLlib ──► vectors, checked and scaled ──► model as in learn.ts
//
// Our objective of implicit feedback in parameters and ratings of MLlib's ALS: in units of a, MLlib minimizes
//
//   Σ over ratings of w (t - s)^2 + ...; the linear system of a row is
//
//   MLlib's  (H'H + α Σ |r| h h' + λ' n I) w = Σ over r > 0 of (1 + α r) h
//   ours     (a H'H + Σ c h h' + p I) w = Σ c h        p = l2 (Σ c + a numOthers)       docs/algorithms/implicit.md
//
//   c         confidence of a pair             a  weight of a pair without an event
//   r, α, λ'  rating, alpha, regParam          n  number of the row's ratings above 0
//
// With α = 1 / a and r = c, MLlib's left side without its penalty is ours divided by a, but its right side is
// Σ (1 + c/a) h instead of Σ c/a h.
//
//   if all c are equal   the right side is k = 1 + a/c times ours: MLlib's vectors are ours times √k, with
//                        λ' = k p / (a n)
//   otherwise            a pair becomes two ratings, c - a and -a: a rating below 0 adds |r| to the left side alone, so
//                        that the right side is Σ c/a h
//
// Source: Spark 4.3, mllib/src/main/scala/org/apache/spark/ml/recommendation/ALS.scala (computeFactors, with
// implicitPrefs).

import { DataError, DivergedError, UsageError } from "../../base/errors.js";
import type { AlsParameters, RatedSide } from "../../log/spark/mllib-als.js";
import type { Relation } from "../../log/spark/plans.js";
import type { EngineSession } from "../../log/spark/session.js";
import { transpose } from "../../dataset/sequences/interactions.js";
import type { SparseRows } from "../../compute/kernels/als/binding.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { withEngine } from "../../training/session/with-engine.js";
import { eventsOf } from "./learn.js";
import { otherSide } from "./fold-in.js";
import type { AlsOptions, GivenAls } from "./options.js";
import { trainedFactors } from "../shared/factor-model/trained.js";

/**
 * Factorizes the events of users and items on the server that `given` names. The model has the vectors of the last
 * epoch, because MLlib returns nothing between epochs.
 *
 * @throws {UsageError} MLlib cannot minimize the objective, or the server does not support an option
 */
export async function learnOnEngine(
  input: LearnerInput<FactorStart>,
  options: AlsOptions,
  given: GivenAls,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<Trained> {
  const { doing } = input;
  const { users, user, item, confidence, chosen } = eventsOf(input, options);
  const items = transpose(users, item.count);
  if (users.indices.length === 0) throw new DataError("no events with a known user and item");
  const sums = {
    ...{ numPairs: users.indices.length, confidence, range: rangeOf(users) },
    ...{ numUsers: users.indptr.length - 2, numItems: items.indptr.length - 2 },
  };
  const { dim, epochs, seed, l2Vector } = options;
  const { unobservedWeight } = chosen;
  const objective = mllibObjective(sums, { unobservedWeight, l2Vector });
  const { checkCanTrain } = await import("../../log/spark/upload.js");
  const { fitAls } = await import("../../log/spark/mllib-als.js");
  const began = performance.now();
  const trained = await withEngine(given, { doing, signal }, async ({ session, engine: { slice } }) => {
    checkCanTrain(session);
    const relation = await sendRatings(users, objective.ratings, unobservedWeight, session, doing);
    const parameters = { rank: dim, maxIter: epochs, seed, ...objective.parameters };
    const numRatings = (objective.ratings === "split" ? 2 : 1) * sums.numPairs;
    const ratings = { relation, numRatings, users: ratedOf(users), items: ratedOf(items) };
    const factors = await fitAls(session, ratings, parameters, { slice, doing });
    const { shown: address, version } = session;
    return { factors, engine: { address, version, trainer: "MLlib ALS", parameters: objective.parameters } };
  });
  for (const side of [trained.factors.users, trained.factors.items])
    for (let i = 0; i < side.length; i++) side[i]! *= objective.scale;
  const vectors = { dim, ...trained.factors };
  const trainLoss = lossOf(users, vectors, unobservedWeight) / confidence;
  if (!Number.isFinite(trainLoss))
    throw new DivergedError("the training loss is not finite: try a larger --l2-vector, or smaller weights");
  const seconds = (performance.now() - began) / 1000;
  const rowsPerSecond = (epochs * sums.numPairs) / seconds;
  const last: EpochEvent = { epoch: epochs, trainLoss, rowsPerSecond, seconds, best: true };
  observe(last);
  const { numFeatures } = input.space;
  const all = new Float32Array(numFeatures * dim);
  all.set(vectors.users, user.first * dim);
  all.set(vectors.items, item.first * dim);
  const model = { dim, w0: 0, w: new Float32Array(numFeatures), vectors: all, loss: "squared" } as const;
  return {
    ...trainedFactors("fm", { ...model, bestEpoch: epochs, epochs: [last] }),
    ...{ chosen, engine: trained.engine },
  };
}

/** Vectors of the users, f32[numUsers * dim], and of the items, f32[numItems * dim], row-major. */
interface ImplicitVectors {
  dim: number;
  users: Float32Array;
  items: Float32Array;
}

interface EventSums {
  numPairs: number;
  numUsers: number;
  numItems: number;
  /** sum of the confidence c over all pairs */
  confidence: number;
  /** the smallest and the largest confidence c of a pair */
  range: [low: number, high: number];
}

interface MllibObjective {
  parameters: Pick<AlsParameters, "alpha" | "regParam">;
  /**
   * how ratings are made of a pair's confidence c: `confidence`, one rating c; `split`, two ratings c - a and -a, where
   * a is the weight of a pair without events
   */
  ratings: "confidence" | "split";
  /** factor by which MLlib's vectors are multiplied */
  scale: number;
}

/**
 * Returns MLlib's parameters for our objective. MLlib's penalty of a row is proportional to its number of ratings,
 * whereas ours also has a term for unobserved pairs: their weight times the number of rows on the other side. MLlib's
 * penalty is scaled so that the sum over all rows equals ours.
 *
 * @throws {UsageError} MLlib cannot minimize this objective
 */
export function mllibObjective(
  { numPairs, numUsers, numItems, confidence, range: [low, high] }: EventSums,
  { unobservedWeight: a, l2Vector }: { unobservedWeight: number; l2Vector: number },
): MllibObjective {
  if (a === 0)
    throw new UsageError(
      "--engine-train cannot be combined with --unobserved-weight 0: MLlib's unobserved pairs always have a weight",
    );
  const isEqual = low === high;
  if (!isEqual && a >= low)
    throw new UsageError(
      `--engine-train needs an --unobserved-weight below the weight of every pair of user and item, and the ` +
        `lowest is ${Number(low.toPrecision(3))}, got ${a}: lower --unobserved-weight, or train on this machine`,
    );
  const k = isEqual ? 1 + a / low : 1;
  const penalty = (l2Vector * (confidence + a * numUsers * numItems)) / numPairs;
  return {
    parameters: { alpha: 1 / a, regParam: (k * penalty) / a },
    ratings: isEqual ? "confidence" : "split",
    scale: Math.sqrt(1 / k),
  };
}

/** Uploads the ratings of all pairs of user and item, as rows that the server stores. */
async function sendRatings(
  { indptr, indices, values }: SparseRows,
  ratings: MllibObjective["ratings"],
  unobservedWeight: number,
  session: EngineSession,
  doing: ((text: string) => void) | undefined,
): Promise<Relation> {
  const { projected, unionOf } = await import("../../log/spark/plans.js");
  const { upload } = await import("../../log/spark/upload.js");
  const user = new Int32Array(indices.length);
  for (let u = 0; u + 1 < indptr.length; u++) user.fill(u, indptr[u], indptr[u + 1]);
  const item = Int32Array.from(indices);
  const pairs = await upload(
    session,
    { user, item, ...(values && { confidence: values }) },
    "the events",
    (rows) => doing?.(`sending events to ${session.shown}: ${rows} of ${indices.length}`),
  );
  const rated = (rating: string) => projected(pairs, ["user", "item", `CAST(${rating} AS FLOAT) AS rating`]);
  const confidence = values ? "confidence" : "1";
  if (ratings === "confidence") return rated(confidence);
  return unionOf([rated(`${confidence} - ${unobservedWeight}D`), rated(`-${unobservedWeight}D`)]);
}

function rangeOf({ values }: SparseRows): [number, number] {
  if (!values) return [1, 1];
  let [low, high] = [Infinity, 0];
  for (const c of values) [low, high] = [Math.min(low, c), Math.max(high, c)];
  return [low, high];
}

function ratedOf({ indptr }: SparseRows): RatedSide {
  const numRows = indptr.length - 1;
  return {
    numRows,
    isRated: Uint8Array.from({ length: numRows }, (_, r) => Number(indptr[r + 1]! > indptr[r]!)),
  };
}

/**
 * Returns the objective without its penalties: the sum over events with confidence c and score s of c (1 - s)^2, plus
 * the sum over all pairs of user and item of a s^2, where a is the weight of unobserved pairs.
 */
function lossOf(
  { indptr, indices, values }: SparseRows,
  { dim, users, items }: ImplicitVectors,
  unobservedWeight: number,
): number {
  let observed = 0;
  for (let u = 0; u + 1 < indptr.length; u++) {
    for (let e = indptr[u]!; e < indptr[u + 1]!; e++) {
      const [w, h] = [u * dim, indices[e]! * dim];
      let s = 0;
      for (let d = 0; d < dim; d++) s += users[w + d]! * items[h + d]!;
      observed += (values?.[e] ?? 1) * (1 - s) ** 2;
    }
  }
  // the sum of s^2 over all pairs of user and item is the inner product of the Gram matrices of users and items, whose
  // lower triangles are stored
  const [ofUsers, ofItems] = [otherSide(dim, users).gram, otherSide(dim, items).gram];
  let all = 0;
  for (let i = 0; i < dim; i++)
    for (let j = 0; j <= i; j++) all += (i === j ? 1 : 2) * ofUsers[i * dim + j]! * ofItems[i * dim + j]!;
  return observed + unobservedWeight * all;
}
