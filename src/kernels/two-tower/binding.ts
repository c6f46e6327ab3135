// Binding of the two-tower kernel: its functions, and its structs laid out in an arena.

import { allocateBarrier } from "../shared/barrier.js";
import {
  allocateDense,
  allocateDenseScratch,
  batchPitchOf,
  paddedUnits,
  type DenseLayer,
  type DenseLayout,
  type LayerLayout,
} from "../shared/dense.js";
import type { GrowingArrays } from "../shared/growing-arrays.js";
import { BLOCK, DenseNetwork } from "../shared/layout.js";
import type { Arena, Region } from "../shared/memory.js";
import { getField, putStruct, setField, takeField, writeStruct, writeStructs } from "../shared/struct.js";
import { copyToOthers, threadsInUse } from "../shared/threads-in-use.js";
import type { ItemLists } from "../top-items/binding.js";
import { Batch, EVENTS, FieldRows as FieldRowsStruct, History, PART, Plan, Thread, Users } from "./layout.js";

export { EVENTS as TOWER_EVENTS };
export type { Kernel as TowersKernel } from "./layout.js";

/** Rows of (row of vectors, value) pairs by field. */
export interface FieldRows {
  width: number;
  indptr?: Uint32Array;
  /** u32: rows of the vectors */
  ids: Uint32Array;
  values?: Float32Array;
  /** u32[F + 1]: field f has rows rowEnds[f] .. rowEnds[f + 1) of the vectors; the pairs of a row come by field */
  rowEnds: Uint32Array;
}

/** A range of tokens for each event, the newest last. */
export interface Ranges {
  /** u32: items; those of a user are adjacent */
  tokens: Uint32Array;
  /** u32[E] each */
  begins: Uint32Array;
  ends: Uint32Array;
}

/** Input of users: events to learn from, or users to encode. */
export interface TowerUsers {
  histories: readonly Ranges[];
  context: FieldRows;
}

/** Events, and the distribution of their negatives. */
export interface TowerData extends TowerUsers {
  /** n: number of rows of vectors; items come first */
  numRows: number;
  numItems: number;
  /** row of item 0 in histories; 0 if histories and output share their rows */
  firstHistoryRow: number;
  /** one row per item: input of the item tower */
  side?: FieldRows;
  /** u32[E]; NO_ITEM for an event without a user */
  users: Uint32Array;
  /** u32[E] */
  items: Uint32Array;
  /** f32[E]; absent when all are 1 */
  weights?: Float32Array;
  /** each user's items, ascending; they are no negatives for the user's events */
  taken: ItemLists;
  /** u32[I][2]: table of the alias method; absent for the uniform distribution */
  alias?: Uint32Array;
  /** f32[I]: log probability of each item as a negative; absent if all are equal, or if scores are not corrected by it */
  logNoise?: Float32Array;
}

/** Structure of the network. */
export interface TowerShape {
  dim: number;
  /** layers from the user's slots to `dim` numbers; if there are none, the user is the sum of the slots */
  userLayers: readonly DenseLayer[];
  /** whether the sum of the slots is added to the output of the layers */
  skip: boolean;
  /** layers from the item's side fields to `dim` numbers; if there are none, the item is its row */
  itemLayers: readonly DenseLayer[];
  cosine: boolean;
  /** whether an event's own item is left out of its histories, which then hold each item once */
  others: boolean;
  /** f32[longest history]: weight of a token by the number of newer ones; absent when all are equal */
  recency?: Float32Array;
}

/** Learning options; all parameters learn by Adam. */
export interface TowerLearning {
  /** most threads */
  threads: number;
  seed: number;
  /** events between two steps: a divisor of 4,096 and multiple of 8 */
  batchSize: number;
  /** number of negatives sampled per batch, a multiple of 8 */
  negatives: number;
  inBatch: boolean;
  negativeWeight: number;
  temperature: number;
  /** penalty on rows, at each step that updates one, and on the layers' weights */
  l2: number;
  dropout: number;
  /** false if the network only encodes, which takes less memory */
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
  /** f32[J][n][2][8] */
  moments: Region;
  /** f32[n][2] per thread, all equal */
  corrections: Region[];
  /** f32[I][8]; absent when cosine */
  biases?: Region;
  /** slices of 8 dimensions */
  slices: number;
  userLayers: LayerLayout[];
  itemLayers: LayerLayout[];
}

const pad = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Copies the events into the arena and lays out parameters, buffers and structs. @throws {UsageError} it does not fit */
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
  const batch = writeStruct(arena, "a batch", Batch, {
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

/** Returns the floats from one row of inputs to the next: its slots, and padding for the last one. */
function inputPitch(slots: number, dim: number): number {
  return paddedUnits(slots * dim) + 8;
}

/** Returns the most rows of a batch. */
function rowsOfBatch({ histories, context, side, items }: TowerData, batchSize: number, M: number): number {
  let longest = longestRow(context, items.length);
  for (const { begins, ends } of histories) {
    let most = 0;
    begins.forEach((begin, e) => (most = Math.max(most, ends[e]! - begin)));
    longest += most;
  }
  const item = 1 + (side ? longestRow(side, side.indptr ? side.indptr.length - 1 : 1) : 0);
  return batchSize * longest + (batchSize + M) * item;
}

function longestRow({ width, indptr }: FieldRows, numRows: number): number {
  if (!indptr) return width;
  let most = 0;
  for (let r = 0; r < numRows; r++) most = Math.max(most, indptr[r + 1]! - indptr[r]!);
  return most;
}

/** Lays out the input of users. @returns the struct's offset */
function putUsers(arena: Arena, { histories, context }: TowerUsers, others: boolean): number {
  const name = "the histories";
  // histories from the same log share their tokens
  const placed = new Map<Uint32Array, number>();
  const tokensAt = (tokens: Uint32Array): number => {
    const at = placed.get(tokens) ?? arena.put(name, tokens);
    placed.set(tokens, at);
    return at;
  };
  return writeStruct(arena, name, Users, {
    histories: writeStructs(
      arena,
      name,
      History,
      histories.map(({ tokens, begins, ends }) => ({
        tokens: tokensAt(tokens),
        begins: arena.put(name, begins),
        ends: arena.put(name, ends),
      })),
    ),
    numHistories: histories.length,
    context: putFields(arena, "the events' contexts", context),
    others,
  });
}

function putFields(arena: Arena, name: string, { width, indptr, ids, values, rowEnds }: FieldRows): number {
  return writeStruct(arena, name, FieldRowsStruct, {
    width,
    indptr: arena.put(name, indptr),
    ids: arena.put(name, ids),
    values: arena.put(name, values),
    numFields: rowEnds.length - 1,
    rowEnds: arena.put(name, rowEnds),
  });
}

/**
 * Copies some users to the place from which the kernel encodes users, replacing its contents.
 *
 * @param from,count range of the histories and context rows
 * @returns the struct's offset
 */
export function placeUsers(
  arena: Arena,
  growing: GrowingArrays,
  { histories, context }: TowerUsers,
  from: number,
  count: number,
): number {
  const structs = histories.map(({ tokens, begins, ends }, h) => {
    const [own, last] = [begins.slice(from, from + count), ends.slice(from, from + count)];
    let [low, high] = [tokens.length, 0];
    own.forEach((begin, e) => ([low, high] = [Math.min(low, begin), Math.max(high, last[e]!)]));
    low = Math.min(low, high);
    return {
      tokens: growing.put(`tokens ${h}`, tokens.subarray(low, high)),
      begins: growing.put(
        `begins ${h}`,
        own.map((place) => place - low),
      ),
      ends: growing.put(
        `ends ${h}`,
        last.map((place) => place - low),
      ),
    };
  });
  const { width, indptr, ids, values, rowEnds } = context;
  const [first, end] = indptr
    ? [indptr[from]!, indptr[from + count]!]
    : [from * width, (from + count) * width];
  const fields = {
    width,
    indptr: growing.put(
      "indptr",
      indptr?.slice(from, from + count + 1).map((place) => place - first),
    ),
    ids: growing.put("features", ids.subarray(first, end)),
    values: growing.put("values", values?.subarray(first, end)),
    numFields: rowEnds.length - 1,
    rowEnds: growing.put("the ends of fields", rowEnds),
  };
  // structs are written to the same place as before
  const size = histories.length * History.size;
  const at = growing.put("structs", new Uint32Array((size + FieldRowsStruct.size + Users.size) / 4));
  structs.forEach((each, h) => putStruct(arena, History, at + h * History.size, each));
  putStruct(arena, FieldRowsStruct, at + size, fields);
  putStruct(arena, Users, at + size + FieldRowsStruct.size, {
    histories: at,
    numHistories: histories.length,
    context: at + size,
    others: false,
  });
  return at + size + FieldRowsStruct.size;
}

/** Returns f32[n + 1]: sums of the first 0 .. n numbers. */
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

/** Returns the number of steps so far. */
export function towersSteps(arena: Arena, { threads }: TowerLayout): number {
  return getField(arena, Thread, threads[0]!, "steps");
}

/** Sets the number of steps, for a training that is continued. */
export function setTowersSteps(arena: Arena, { threads }: TowerLayout, steps: number): void {
  for (const thread of threads) setField(arena, Thread, thread, "steps", steps);
}
