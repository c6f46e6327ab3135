// One pass over the training rows: those that lie in the shared memory, or chunks that follow one another through two buffers.
//
//   resident   rows ──► one buffer, once; the kernel shuffles
//   chunks     chunk i + 1 ──► buffer (i + 1) % 2, while the threads train on chunk i in buffer i % 2
//
// Chunks are drawn rows, or resident rows too large for the memory: these are shuffled on copying, in the kernel's order,
// so that the result is the same bytes either way.

import {
  rowsAt,
  type FeatureRows,
  type StoredRows,
  type TrainingRows,
  firstPair,
} from "../../dataset/rows.js";
import { BLOCK_ROWS } from "../../kernels/fm/binding.js";
import { blockKey, blockOrder, permutation } from "../../numeric/random.js";
import type { FmMachine } from "../../factors/machine.js";
import { bytesOfRows, RowsBuffer } from "../../factors/rows-buffer.js";

/** Blocks of a chunk that is cut from resident rows. */
const CHUNK_BLOCKS = 32;

/** What a pass over the training rows was. */
export interface Pass {
  numRows: number;
  /** what its rows count together */
  weight: number;
  /** sum of their losses, each times what its row counts */
  loss: number;
}

/**
 * Makes training rows ready for a machine.
 *
 * @param labelScale    labels are divided by it
 * @param residentBytes resident rows above it are trained on in chunks
 * @returns a pass: trains once on every row; `key` names the order of resident rows, undefined is file order
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
  // chunks are marked by the calling thread, while the others train
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
    // fill one buffer while the threads are busy with the other
    next.load(chunk, labelScale);
    await running;
    running = machine.train(next, undefined);
    // a failure of theirs is met at the next await, unless drawing fails before
    running.catch(() => undefined);
    numRows += chunk.numRows;
    weight += next.weight;
    [current, next] = [next, current];
  }
  await running;
  return { numRows, weight, loss: machine.takeLoss() };
}

/** A block of rows where the kernel would visit it; `places` are those of its rows, in order without. */
interface Visited {
  first: number;
  size: number;
  places: Uint32Array | undefined;
  /** a short block ends its chunk */
  endsChunk: boolean;
}

/** Blocks of rows in the order that the kernel would visit them. @param key of the order; undefined is file order */
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

/** The rows in the order that the kernel would visit them, some blocks at a time. */
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

/** The same chunks of rows on disk, their blocks read one after another. */
function* storedChunks(rows: StoredRows, key: number | undefined, epoch: number): Generator<FeatureRows> {
  let pieces: FeatureRows[] = [];
  for (const { first, size, places, endsChunk } of blocksInOrder(rows.numRows, key)) {
    const read = rows.rowsAt(first, size, epoch);
    pieces.push(places ? permuted(read, places) : read);
    if (!endsChunk) continue;
    yield joinRows(pieces);
    pieces = [];
  }
}

/**
 * The training rows as one list that stays, for residuals that belong to rows: of drawn rows, those of the first epoch, with its
 * negatives and its hidden keys.
 */
export function residentRows(train: TrainingRows): FeatureRows {
  if (train.kind === "resident") return train.atEpoch?.(1) ?? train.rows;
  if (train.kind === "stored") throw new RangeError("rows that are read from disk have no columns");
  return joinRows([...train.draw(1)]);
}

/** Row i at places[i]. */
function permuted(rows: FeatureRows, places: Uint32Array): FeatureRows {
  const order: number[] = [];
  places.forEach((place, row) => (order[place] = row));
  return rowsAt(rows, order);
}

/** Rows one after another. */
function joinRows(pieces: readonly FeatureRows[]): FeatureRows {
  const numRows = pieces.reduce((sum, piece) => sum + piece.numRows, 0);
  const numPairs = pieces.reduce((sum, piece) => sum + piece.ids.length, 0);
  const isRagged = pieces.some(({ indptr }) => indptr);
  const ids = new Uint32Array(numPairs);
  const labels = new Float32Array(numRows);
  const values = pieces.some((piece) => piece.values) ? new Float32Array(numPairs).fill(1) : undefined;
  const weights = pieces[0]?.weights && new Float32Array(numRows);
  const indptr = isRagged ? new Uint32Array(numRows + 1) : undefined;
  let [row, pair] = [0, 0];
  for (const piece of pieces) {
    ids.set(piece.ids, pair);
    labels.set(piece.labels, row);
    if (piece.values) values!.set(piece.values, pair);
    if (piece.weights) weights?.set(piece.weights, row);
    if (indptr) for (let r = 0; r < piece.numRows; r++) indptr[row + r + 1] = pair + firstPair(piece, r + 1);
    row += piece.numRows;
    pair += piece.ids.length;
  }
  return { numRows, width: pieces[0]?.width ?? 0, indptr, ids, values, labels, weights };
}
