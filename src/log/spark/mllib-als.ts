// Trains MLlib's ALS on a server, and fetches the vectors of users and items.
//
//   ratings (a relation) ──► MlCommand.Fit ──► model on the server ──► userFactors, itemFactors ──► f32[numRows * dim]
//
// Over Spark Connect, MLlib is available since Spark 4.0. Responses of a server are not trusted: the id and the length
// of every vector are checked.

import type { Data } from "apache-arrow";
import { DivergedError, IoError } from "../../base/errors.js";
import { batchesIn } from "./batches.js";
import { ESTIMATOR } from "./messages.js";
import { filtered, type Relation } from "./plans.js";
import { type EngineSession, LostOperation } from "./session.js";
import type { Message } from "./wire.js";

const ALS = "org.apache.spark.ml.recommendation.ALS";
/** Default number of bytes of the vectors that one job returns. */
const SLICE_BYTES = 64 << 20;
/** Number of bytes that a row is assumed to need in addition to its vector. */
const ROW_BYTES = 16;
/** Ratings per block, and maximum number of blocks: MLlib solves them in parallel and exchanges vectors between all. */
const [BLOCK_RATINGS, MOST_BLOCKS] = [200_000, 500];

/** Parameters of MLlib's ALS, by their names in MLlib. */
export interface AlsParameters {
  rank: number;
  maxIter: number;
  alpha: number;
  regParam: number;
  seed: number;
}

/** The users or the items of the ratings. */
export interface RatedSide {
  /** number of rows of vectors; all ids are below it */
  numRows: number;
  /** u8[numRows]: 1 if the id has ratings */
  isRated: Uint8Array;
}

export interface Ratings {
  /** relation of the ratings, with the columns `user` and `item` (int) and `rating` (float) */
  relation: Relation;
  numRatings: number;
  users: RatedSide;
  items: RatedSide;
}

/** Vectors of the users and the items, each f32[numRows * rank], row-major; zeros for ids without ratings. */
export interface Factors {
  users: Float32Array;
  items: Float32Array;
}

/**
 * Factorizes implicit feedback on the server.
 *
 * @param slice maximum number of bytes that one job returns
 * @param doing called with a description of the current step
 * @throws {UsageError} the server has no MLlib, or cannot store a model of that size
 * @throws {DivergedError} a vector is not finite
 * @throws {IoError} the server's answer does not contain the vectors of these ids
 * @throws {EmbedError} as Session.execute
 */
export async function fitAls(
  session: EngineSession,
  { relation, numRatings, users, items }: Ratings,
  parameters: AlsParameters,
  {
    slice = SLICE_BYTES,
    doing,
  }: { slice?: number | undefined; doing?: ((text: string) => void) | undefined },
): Promise<Factors> {
  const { rank } = parameters;
  doing?.(`training on ${session.shown} (MLlib's ALS)`);
  const blocks = Math.min(MOST_BLOCKS, Math.ceil(numRatings / BLOCK_RATINGS));
  const command = fitCommand(relation, parameters, blocks);
  const { mlCommandResult } = await session.execute(command, "training with MLlib's ALS");
  const { objRef, warningMessage } = mlCommandResult?.operatorInfo ?? {};
  if (objRef?.id === undefined)
    throw new IoError(
      `--engine: ${session.shown} trained no model${warningMessage === undefined ? "" : ` (${warningMessage})`}`,
    );
  doing?.(`fetching vectors from ${session.shown}`);
  const rowsOfSlice = Math.max(1, Math.floor(slice / (4 * rank + ROW_BYTES)));
  const fetched = async (method: string, side: RatedSide) => {
    const fetch = { objRef, methods: [{ method }] };
    return await fetchFactors(session, { mlRelation: { fetch } }, side, { rank, rowsOfSlice, what: method });
  };
  return {
    users: await fetched("userFactors", users),
    items: await fetched("itemFactors", items),
  };
}

/** Returns the command that trains a model. @param blocks number of blocks of users, and of blocks of items */
function fitCommand(dataset: Relation, of: AlsParameters, blocks: number): Message {
  const values: Record<string, Message> = {
    ...{ userCol: { string: "user" }, itemCol: { string: "item" }, ratingCol: { string: "rating" } },
    ...{ implicitPrefs: { boolean: true }, rank: { integer: of.rank }, maxIter: { integer: of.maxIter } },
    ...{ alpha: { double: of.alpha }, regParam: { double: of.regParam }, seed: { long: of.seed } },
    ...{ numUserBlocks: { integer: blocks }, numItemBlocks: { integer: blocks } },
  };
  const params = Object.entries(values).map(([key, value]) => ({ key, value }));
  const estimator = { name: ALS, uid: "embed-als", type: ESTIMATOR };
  return { mlCommand: { fit: { estimator, params: { params }, dataset } } };
}

async function fetchFactors(
  session: EngineSession,
  relation: Relation,
  side: RatedSide,
  { rank, rowsOfSlice, what }: { rank: number; rowsOfSlice: number; what: string },
): Promise<Float32Array> {
  const collector = new FactorCollector(side, rank, what, session.shown);
  const name = `the model's ${what}`;
  for (let from = 0; from < side.numRows; from += rowsOfSlice) {
    const to = from + rowsOfSlice;
    const isWhole = from === 0 && to >= side.numRows;
    const some = isWhole ? relation : filtered(relation, `id >= ${from} AND id < ${to}`);
    try {
      for await (const bytes of session.run(some, name)) collector.add(bytes);
    } catch (error) {
      throw error instanceof LostOperation ? session.lost("fetching vectors") : error;
    }
  }
  return collector.vectors();
}

/** Collects the vectors of Arrow batches; each id must occur once. */
export class FactorCollector {
  readonly #side: RatedSide;
  readonly #dim: number;
  readonly #what: string;
  readonly #said: string;
  readonly #vectors: Float32Array;
  readonly #isThere: Uint8Array;

  /** Prepares to collect vectors. @param what their name in messages: `userFactors` @param server the server's name */
  constructor(side: RatedSide, dim: number, what: string, server: string) {
    this.#side = side;
    this.#dim = dim;
    this.#what = what;
    this.#said = `${server} gave ${what}`;
    this.#vectors = new Float32Array(side.numRows * dim);
    this.#isThere = new Uint8Array(side.numRows);
  }

  /**
   * Adds an Arrow stream with the columns `id` (int) and `features` (a list of floats).
   *
   * @throws {IoError} it has other columns, an id was not rated or occurs twice, or a vector has the wrong length
   * @throws {DivergedError} a value is not finite
   */
  add(bytes: Uint8Array): void {
    for (const batch of batchesIn(bytes, ["any", "any"], this.#what)) this.#addBatch(batch);
  }

  #addBatch({ length, children }: Data): void {
    const [ids, lists] = children;
    const values = lists?.children[0];
    const bounds = lists?.valueOffsets as unknown;
    const isPlain = [ids, lists, values].every(
      (one) => one !== undefined && one.offset === 0 && one.nullCount === 0,
    );
    const [ints, floats]: unknown[] = [ids?.values, values?.values];
    if (
      !isPlain ||
      !(ints instanceof Int32Array && bounds instanceof Int32Array && floats instanceof Float32Array)
    )
      throw new IoError(
        `--engine: ${this.#said} of other columns than id (int) and features (array of float)`,
      );
    const { numRows, isRated } = this.#side;
    for (let row = 0; row < length; row++) {
      const [id, from, end] = [ints[row]!, bounds[row]!, bounds[row + 1]!];
      if (!(id >= 0 && id < numRows) || isRated[id] === 0)
        throw this.#odd(`of id ${id}, which has no events`);
      if (this.#isThere[id] === 1) throw this.#odd(`with id ${id} twice`);
      if (end - from !== this.#dim)
        throw this.#odd(`of ${end - from} values instead of ${this.#dim} (id ${id})`);
      const vector = floats.subarray(from, end);
      if (!vector.every(Number.isFinite))
        throw new DivergedError(
          `${this.#said} that are not finite (id ${id}): try a larger --l2-vector, or smaller weights`,
        );
      this.#vectors.set(vector, id * this.#dim);
      this.#isThere[id] = 1;
    }
  }

  /** Returns the collected vectors, f32[numRows * dim]. @throws {IoError} a vector is missing */
  vectors(): Float32Array {
    const missing = this.#side.isRated.findIndex((is, id) => is === 1 && this.#isThere[id] === 0);
    if (missing >= 0) throw this.#odd(`without id ${missing}, which has events`);
    return this.#vectors;
  }

  #odd(what: string): IoError {
    return new IoError(`--engine: ${this.#said} ${what}: check the server`);
  }
}
