import { longestRow } from "../../../base/numeric/indices.js";
import { allocateBarrier } from "../shared/barrier.js";
import {
  allocateDense,
  allocateDenseScratch,
  batchPitchOf,
  pad,
  paddedUnits,
  type DenseLayer,
  type DenseLayout,
  type LayerLayout,
} from "../shared/dense.js";
import { BLOCK, DenseNetwork } from "../shared/layout.js";
import type { Arena, Region } from "../shared/memory.js";
import { getField, setField, takeField, writeStruct } from "../shared/struct.js";
import { copyToOthers, threadsInUse } from "../shared/threads-in-use.js";
import { mostRowsOfUsers, putFields, putUsers, type FieldRows, type TowerEvents } from "./inputs.js";
import { TowerBatch, EVENTS, PART, Plan, Thread } from "./layout.js";

export { EVENTS as TOWER_EVENTS };
export type { Kernel as TowersKernel } from "./layout.js";

/** Rows of vectors, the events to learn from, and the distribution of negatives. */
export interface TowerData extends TowerEvents {
  /** n; the rows of items come first */
  numRows: number;
  numItems: number;
  /** row of item 0 as a history item; 0 if items have the same rows in histories and as candidates */
  firstHistoryRow: number;
  /** one row per item: input of the item tower */
  side?: FieldRows;
  /** u32[I][2]: alias table of the noise distribution; absent for the uniform distribution */
  alias?: Uint32Array;
  /** f32[I]: log probability of each item as a negative; absent if all are equal, or scores are uncorrected */
  logNoise?: Float32Array;
  /** maximum rows of an event's user, if `useTowerEvents` replaces the events; otherwise counted */
  mostUserRows?: number;
}

export interface TowerShape {
  dim: number;
  /** layers of the user tower, from slots to `dim` numbers; if empty, the user vector is the sum of the slots */
  userLayers: readonly DenseLayer[];
  /** whether the sum of the slots is added to the user tower's output */
  skip: boolean;
  /** layers of the item tower, from the side fields to `dim` numbers; if empty, the item vector is the item's row */
  itemLayers: readonly DenseLayer[];
  cosine: boolean;
  /** whether an event's own item is left out of the event's histories; histories must then contain each item once */
  others: boolean;
  /** f32[longest history]: weight of a token by the number of newer tokens; absent when all are equal */
  recency?: Float32Array;
}

/** Learning options; all parameters learn by Adam. */
export interface TowerLearning {
  threads: number;
  seed: number;
  /** events per step: a divisor of 4,096 and multiple of 8 */
  batchSize: number;
  /** sampled per batch, a multiple of 8 */
  negatives: number;
  inBatch: boolean;
  negativeWeight: number;
  temperature: number;
  /** factor of the L2 penalty on the rows that a step updates, and on the layers' weights */
  l2: number;
  dropout: number;
  /** false takes less memory, but then the network can only compute vectors */
  trains?: boolean;
}

/** Addresses of the kernel's structs. */
export interface TowerLayout {
  plan: number;
  threads: number[];
  /** sets the number of threads that train */
  use: (threads: number) => void;
  barrier: Region;
  /** f32[n][D] */
  vectors: Region;
  /** f32[J][n][2][8]: Adam's m and s */
  moments: Region;
  /** f32[n][2] for each thread, all equal: 1 - b1^t and 1 - b2^t of each row after t steps of Adam */
  corrections: Region[];
  /** f32[I][8]: biases with their Adam state; absent if scores are cosines */
  biases?: Region;
  slices: number;
  userLayers: LayerLayout[];
  itemLayers: LayerLayout[];
}

/**
 * Copies the events into the arena, and allocates parameters, buffers and structs.
 * @throws {UsageError} it does not fit
 */
export function allocateTowers(
  arena: Arena,
  data: TowerData,
  shape: TowerShape,
  learning: TowerLearning,
): TowerLayout {
  const { numRows, numItems } = data;
  const { dim, cosine } = shape;
  const { batchSize, negatives: M, inBatch, l2, negativeWeight, temperature, trains = true } = learning;
  const J = Math.ceil(dim / 8);
  const D = 8 * J;
  const numThreads = Math.max(1, Math.min(learning.threads, J));
  const room = (name: string, numbers: number) => arena.allocate(name, Math.max(1, numbers) * 4).offset;
  const vectors = arena.allocate(`the vectors of ${numRows} rows`, numRows * D * 4);
  const moments = arena.allocate(`the moments of ${numRows} rows`, trains ? numRows * 2 * D * 4 : 0);
  const biases = cosine ? undefined : arena.allocate(`the biases of ${numItems} items`, numItems * 32);
  const barrier = allocateBarrier(arena);

  const C = pad(M + batchSize, BLOCK);
  const N = M + (inBatch ? batchSize : 0);
  const slots = data.histories.length + data.context.rowEnds.length - 1;
  const userPitch = inputPitch(slots, dim);
  const itemPitch = inputPitch(data.side ? data.side.rowEnds.length - 1 : 0, dim);
  const dense = { learningRate: 0, l2: learning.l2, seed: learning.seed };
  const towerOf = (layers: readonly DenseLayer[], rows: number, dropout: number): DenseLayout | undefined =>
    layers.length === 0
      ? undefined
      : allocateDense(arena, layers, { ...dense, dropout }, batchPitchOf(pad(rows, BLOCK)));
  const userTower = towerOf(shape.userLayers, batchSize, learning.dropout);
  const itemTower = towerOf(shape.itemLayers, M + batchSize, 0);
  const networkOf = (tower: DenseLayout | undefined) =>
    tower ? writeStruct(arena, "a tower", DenseNetwork, tower.fields) : 0;
  const R = Math.min(numRows, rowsOfBatch(data, batchSize, M));
  const padded = pad(batchSize, BLOCK) + BLOCK;
  const batch = writeStruct(arena, "a batch", TowerBatch, {
    counter: room("a counter", 16),
    items: room("the batch's items", C * D),
    panels: room("the batch's items", C * D),
    itemScales: room("the batch's items", C),
    offsets: room("the batch's items", C),
    itemGradients: room("the batch's items", 2 * C * D),
    offsetGradients: room("the batch's items", 2 * C),
    numRoom: C,
    sideGradients: room("the batch's items", itemTower ? C * itemPitch : 0),
    users: room("the batch's users", PART * D),
    userScales: room("the batch's users", PART),
    userGradients: room("the batch's users", padded * D),
    inputGradients: room("the batch's users", userTower ? padded * userPitch : 0),
    scores: room("scores", PART * N),
    columns: room("scores", cosine ? 0 : (PART / 4) * N),
    ownGradients: room("scores", PART),
    losses: room("scores", PART),
    rowGradients: room("the batch's rows", R * D),
    biasGradients: room("the batch's rows", R),
    mostRows: R,
  });
  const { recency } = shape;
  const plan = writeStruct(arena, "a plan", Plan, {
    ...{ barrier, numThreads, numItems, dim, inBatch, cosine, batch, batchSize, userPitch, itemPitch },
    ...{ vectors, numRows, moments, biases, l2, negativeWeight, temperature },
    users: arena.put("the events' users", data.users),
    items: arena.put("the events' items", data.items),
    numUsers: data.taken.indptr.length - 1,
    historyEnds: arena.put("the users' items", data.taken.indptr),
    history: arena.put("the users' items", data.taken.items),
    alias: arena.put("the noise", data.alias),
    logNoise: arena.put("the noise", data.logNoise),
    numNegatives: M,
    numSlices: J,
    firstHistoryRow: data.firstHistoryRow,
    training: putUsers(arena, data, shape.others),
    recency: arena.put("the recency", recency),
    recencySums: arena.put("the recency", recency && sumsOf(recency)),
    side: data.side ? putFields(arena, "the items' features", data.side) : 0,
    userTower: networkOf(userTower),
    skip: shape.skip,
    itemTower: networkOf(itemTower),
    eventWeights: arena.put("the events' weights", data.weights),
  });
  const widest = Math.max(D, userTower?.widestUnits ?? 0, itemTower?.widestUnits ?? 0);
  const corrections = Array.from({ length: numThreads }, () =>
    arena.allocate(`the steps of ${numRows} rows`, trains ? numRows * 8 : 0),
  );
  const threads = corrections.map((own) => {
    const user = userTower && allocateDenseScratch(arena, userTower);
    const item = itemTower && allocateDenseScratch(arena, itemTower);
    return writeStruct(arena, "a thread", Thread, {
      ...{ loss: 0, steps: 0, numShared: 0, numHeld: 0, sums: 0, sumBytes: 0, learningRate: 0 },
      corrections: own,
      order: room("an order", EVENTS),
      tile: room("a tile", 32),
      packed: room("a block", BLOCK * D),
      inputs: room("a block", BLOCK * Math.max(userPitch, itemPitch)),
      userScratch: user?.scratch ?? 0,
      userKeys: user?.keys ?? 0,
      itemScratch: item?.scratch ?? 0,
      tiles: room("tiles", widest * 8),
      slots: room("slots", trains ? numItems : 0),
      next: room("slots", N),
      shared: room("negatives", N),
      negativeNoise: room("negatives", N),
      placeOf: room("the batch's rows", trains ? numRows : 0),
      held: room("the batch's rows", R),
    });
  });
  return {
    ...{ plan, threads, barrier, vectors, moments, corrections, slices: J },
    use: threadsInUse(arena, Plan, plan, {
      ...{ thread: Thread, threads, ofLast: ["loss"], alike: ["steps"] },
      follow: () => copyToOthers(arena, corrections),
    }),
    biases,
    userLayers: userTower?.layers ?? [],
    itemLayers: itemTower?.layers ?? [],
  };
}

/** Returns the floats from one row of a tower's inputs to the next, with padding. */
function inputPitch(slots: number, dim: number): number {
  return paddedUnits(slots * dim) + 8;
}

function rowsOfBatch(data: TowerData, batchSize: number, M: number): number {
  const { side, mostUserRows = mostRowsOfUsers(data) } = data;
  const item = 1 + (side?.indptr ? longestRow(side.indptr) : (side?.width ?? 0));
  return batchSize * mostUserRows + (batchSize + M) * item;
}

/** Returns f32[n + 1]: sums of the first 0, 1, .. n numbers. */
function sumsOf(numbers: Float32Array): Float32Array {
  const sums = new Float32Array(numbers.length + 1);
  let sum = 0;
  numbers.forEach((x, i) => (sums[i + 1] = sum += x));
  return sums;
}

/** Returns the sum of the losses since the last call. */
export function takeTowersLoss(arena: Arena, { threads }: TowerLayout): number {
  return takeField(arena, Thread, threads.at(-1)!, "loss");
}

export function towersSteps(arena: Arena, { threads }: TowerLayout): number {
  return getField(arena, Thread, threads[0]!, "steps");
}

/** Sets the number of training steps, when a training is resumed. */
export function setTowersSteps(arena: Arena, { threads }: TowerLayout, steps: number): void {
  for (const thread of threads) setField(arena, Thread, thread, "steps", steps);
}
