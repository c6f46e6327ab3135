// Factorizes the events of users and items by MLlib's ALS on a Spark Connect server (--engine-train).
//
//   events (user, item, confidence) ──► server ──► MLlib ──► vectors, checked and scaled ──► model as in learn.ts

import { DataError, DivergedError } from "../../errors.js";
import type { RatedSide } from "../../engine/mllib-als.js";
import type { Relation } from "../../engine/plans.js";
import type { EngineSession } from "../../engine/session.js";
import { transpose } from "../../dataset/sequences/interactions.js";
import type { SparseRows } from "../../kernels/als/binding.js";
import type { FactorStart } from "../../factors/warm-start.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { withEngine } from "../../training/session/with-engine.js";
import { eventsOf } from "./learn.js";
import { otherSide } from "./fold-in.js";
import { mllibObjective, type MllibObjective } from "./mllib.js";
import type { AlsOptions, GivenAls } from "./options.js";
import type { ImplicitVectors } from "./train.js";

/**
 * Factorizes the events of users and items on the server that `given` names. The model has the vectors of the last
 * epoch, because MLlib returns nothing between epochs.
 *
 * @throws {DataError} there are no events
 * @throws {UsageError} the errors of eventsOf and mllibObjective, or the server does not support an option
 * @throws {DivergedError} a vector or the loss is not finite
 * @throws {EmbedError} the errors of openSession, upload and fitAls
 */
export async function learnOnEngine(
  input: LearnerInput<FactorStart>,
  options: AlsOptions,
  given: GivenAls,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<Trained> {
  const { doing } = input;
  const { users, item, confidence, chosen, modelOf } = eventsOf(input, options);
  const items = transpose(users, item.count);
  if (users.indices.length === 0) throw new DataError("no events with a known user and item");
  const sums = {
    ...{ numPairs: users.indices.length, confidence, range: rangeOf(users) },
    ...{ numUsers: users.indptr.length - 2, numItems: items.indptr.length - 2 },
  };
  const { dim, epochs, seed, l2Vector } = options;
  const { unobservedWeight } = chosen;
  const objective = mllibObjective(sums, { unobservedWeight, l2Vector });
  const { checkCanTrain } = await import("../../engine/upload.js");
  const { fitAls } = await import("../../engine/mllib-als.js");
  const began = performance.now();
  const trained = await withEngine(given, { doing, signal }, async ({ session, engine: { slice } }) => {
    checkCanTrain(session);
    const relation = await sendRatings(users, objective.ratings, unobservedWeight, session, doing);
    const parameters = { rank: dim, maxIter: epochs, seed, ...objective.parameters };
    const numRatings = (objective.ratings === "split" ? 2 : 1) * sums.numPairs;
    const ratings = { relation, numRatings, users: ratedOf(users), items: ratedOf(items) };
    const factors = await fitAls(session, ratings, parameters, { slice, doing });
    const engine = {
      ...{ address: session.shown, version: session.version, trainer: "MLlib ALS" },
      parameters: objective.parameters,
    };
    return { factors, engine };
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
  const model = modelOf(vectors, { bestEpoch: epochs, epochs: [last] });
  return { ...model, chosen, engine: trained.engine };
}

/** Uploads the ratings of all pairs of user and item, as rows that the server stores. */
async function sendRatings(
  { indptr, indices, values }: SparseRows,
  ratings: MllibObjective["ratings"],
  unobservedWeight: number,
  session: EngineSession,
  doing: ((text: string) => void) | undefined,
): Promise<Relation> {
  const { projected, unionOf } = await import("../../engine/plans.js");
  const { upload } = await import("../../engine/upload.js");
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

/** Returns the smallest and the largest confidence. */
function rangeOf({ values }: SparseRows): [number, number] {
  if (!values) return [1, 1];
  let [low, high] = [Infinity, 0];
  for (const c of values) [low, high] = [Math.min(low, c), Math.max(high, c)];
  return [low, high];
}

/** Returns whether each user, or each item, has events. */
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
