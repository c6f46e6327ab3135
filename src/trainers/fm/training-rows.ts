// Makes one pass over the training rows, either in shared memory, or in chunks that alternate between two buffers.
//
//   resident   rows ──► one buffer, once; the kernel shuffles
//   chunks     chunk i + 1 ──► buffer (i + 1) % 2, while the threads train on chunk i in buffer i % 2
//
// Chunks consist of sampled rows, of stored rows, or of resident rows that are too large for the memory. The latter two
// are shuffled on copying, in the kernel's order, so the result has the same bytes either way.

import {
  concatRows,
  rowsAt,
  type FeatureRows,
  type StoredRows,
  type TrainingRows,
} from "../../dataset/rows.js";
import { BLOCK_ROWS } from "../../compute/kernels/fm/binding.js";
import { blockKey, blockOrder, permutation } from "../../base/numeric/random.js";
import type { FmMachine } from "../shared/factor-model/machine.js";
import { bytesOfRows, RowsBuffer } from "../shared/factor-model/rows-buffer.js";

/** blocks of rows per chunk, if the training rows are in memory or in a store */
const CHUNK_BLOCKS = 32;

interface Pass {
  numRows: number;
  /** total weight of the rows of the pass */
  weight: number;
  /** weighted sum of the rows' losses */
  loss: number;
}

/**
 * @param labelScale     labels are divided by it
 * @param residentBytes resident rows above this size are trained on in chunks
 * @returns a function that trains once on every row; `key` determines the order of rows that are not sampled, undefined
 * keeps the file's
 */
export function prepareTraining(
  machine: FmMachine,
  train: TrainingRows,
  labelScale: number,
  residentBytes: number,
): (epoch: number, key: number | undefined) => Promise<Pass> {
  if (train.kind === "resident" && bytesOfRows(train.rows) <= residentBytes) {
    const buffer = new RowsBuffer(machine.arena, "the training rows").load(train.rows, labelScale, true);
    let isMarked = false;
    return async (epoch, key) => {
      if (train.atEpoch) buffer.load(train.atEpoch(epoch), labelScale, true);
      if (train.atEpoch || !isMarked) await machine.mark(buffer);
      isMarked = true;
      await machine.train(buffer, key);
      return { numRows: buffer.numRows, weight: buffer.weight, loss: machine.takeLoss() };
    };
  }
  // this thread marks the repeated features of a chunk while the other threads train on the previous chunk
  const { marks } = machine;
  const newBuffer = () => new RowsBuffer(machine.arena, "a chunk of training rows", marks);
  const buffers: [RowsBuffer, RowsBuffer] = [newBuffer(), newBuffer()];
  return (epoch, key) => {
    const chunks =
      train.kind === "drawn"
        ? train.draw(epoch)
        : train.kind === "stored"
          ? storedChunks(train.rows, key, epoch)
          : chunksOf(train.atEpoch?.(epoch) ?? train.rows, key);
    return trainOnChunks(machine, buffers, chunks, labelScale);
  };
}

async function trainOnChunks(
  machine: FmMachine,
  [current, next]: [RowsBuffer, RowsBuffer],
  chunks: Iterable<FeatureRows>,
  labelScale: number,
): Promise<Pass> {
  let numRows = 0;
  let weight = 0;
  let running = Promise.resolve();
  for (const chunk of chunks) {
    if (chunk.numRows === 0) continue;
    // one buffer is filled while the threads train on the other
    next.load(chunk, labelScale);
    await running;
    running = machine.train(next, undefined);
    // an error in a thread is thrown at the next await; until then, this handler avoids an unhandled rejection
    running.catch(() => undefined);
    numRows += chunk.numRows;
    weight += next.weight;
    [current, next] = [next, current];
  }
  await running;
  return { numRows, weight, loss: machine.takeLoss() };
}

interface Visited {
  first: number;
  size: number;
  /** position of each row within the block; undefined if rows keep their order */
  places: Uint32Array | undefined;
  /** whether the block of rows is the last of its chunk */
  endsChunk: boolean;
}

/** @param key random key of the order; undefined keeps the order of the file */
function* blocksInOrder(numRows: number, key: number | undefined): Generator<Visited> {
  const numBlocks = Math.ceil(numRows / BLOCK_ROWS);
  const blocks = key === undefined ? undefined : blockOrder(numBlocks, key);
  for (let i = 0, held = 1; i < numBlocks; i++, held++) {
    const block = blocks ? blocks[i]! : i;
    const first = block * BLOCK_ROWS;
    const size = Math.min(BLOCK_ROWS, numRows - first);
    const endsChunk = size < BLOCK_ROWS || held === CHUNK_BLOCKS || i === numBlocks - 1;
    if (endsChunk) held = 0;
    yield {
      first,
      size,
      places: key === undefined ? undefined : permutation(size, blockKey(key, block)),
      endsChunk,
    };
  }
}

/** Yields rows in chunks of blocks, in the order in which the kernel would visit them. */
export function* chunksOf(rows: FeatureRows, key: number | undefined): Generator<FeatureRows> {
  let order: number[] = [];
  for (const { first, size, places, endsChunk } of blocksInOrder(rows.numRows, key)) {
    const start = order.length;
    for (let r = 0; r < size; r++) order[start + (places ? places[r]! : r)] = first + r;
    if (!endsChunk) continue;
    yield rowsAt(rows, order);
    order = [];
  }
}

/** Yields the same chunks as chunksOf, but from rows in a store, of which it reads one block after another. */
function* storedChunks(rows: StoredRows, key: number | undefined, epoch: number): Generator<FeatureRows> {
  let pieces: FeatureRows[] = [];
  for (const { first, size, places, endsChunk } of blocksInOrder(rows.numRows, key)) {
    const read = rows.rowsAt(first, size, epoch);
    pieces.push(places ? permuted(read, places) : read);
    if (!endsChunk) continue;
    yield concatRows(pieces);
    pieces = [];
  }
}

/**
 * Returns the training rows as one list, for methods that store a residual for each row. If rows are sampled, it is the
 * first epoch's list, with its negatives and hidden keys.
 */
export function residentRows(train: TrainingRows): FeatureRows {
  if (train.kind === "resident") return train.atEpoch?.(1) ?? train.rows;
  if (train.kind === "stored") throw new RangeError("rows that are read from disk have no columns");
  return concatRows([...train.draw(1)]);
}

/** Moves row i to places[i]. */
function permuted(rows: FeatureRows, places: Uint32Array): FeatureRows {
  const order = new Uint32Array(places.length);
  for (let row = 0; row < order.length; row++) order[places[row]!] = row;
  return rowsAt(rows, order);
}
