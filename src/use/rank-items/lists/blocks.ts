// Reads the owners of lists (users, or rows of a table) in blocks, so that memory does not grow with their number.
//
//   rows of the table ──► keys and vectors            users with events ──► keys and the queries of their events
//   folded-in users ──► keys and the vectors that the run computes from their events

import { selectKeys, type Keys } from "../../../log/keys.js";
import { isHole, vectorsAt } from "../../../table/table.js";
import { rangeOf, type TableRows } from "../../../table/rows.js";
import { KeyIndex } from "../../../dataset/vocabulary/key-index.js";
import type { EncodedRows } from "../../../export/encoded-rows.js";
import { unitRows } from "../../../table/retrieval/nearest.js";
import { PLACES, type Queries } from "./search.js";

const BLOCK = 16_384;

/** Maximum total length of a block's lists that are written as text while the next block is searched. */
const TEXT_PLACES = 1 << 20;

/** Returns the number of queries per search, for lists of length k. The bytes of text do not depend on it. */
export function blockSize(k: number, isText: boolean): number {
  return Math.max(1, Math.min(BLOCK, Math.floor((isText ? TEXT_PLACES : PLACES) / k)));
}

/** Selects one of `numParts` equal parts of the users (or rows of a table) that get lists; `part` counts from 0. */
export interface Share {
  part: number;
  numParts: number;
}

function rangeOfShare(size: number, { part, numParts }: Share = { part: 0, numParts: 1 }): [number, number] {
  return [Math.floor((size * part) / numParts), Math.floor((size * (part + 1)) / numParts)];
}

/** The keys of users (or rows of a table) that get lists, and the query of each. */
export interface Block {
  keys: Keys;
  queries: Queries;
}

type Chosen = KeyIndex | undefined;

/** Options that select users (or rows of a table), and the size of blocks. */
export interface WhichBlocks {
  chosen: Chosen;
  /** one of several equal parts of the users or rows; all of them when absent */
  share?: Share | undefined;
  size: number;
}

interface RowBlocks extends WhichBlocks {
  rows: TableRows;
  field: string;
  isCosine: boolean;
  /** false to read no vectors, in which case queries are row numbers within the field */
  withVectors: boolean;
}

/** Yields the rows of a field in blocks, without the empty rows that --row-order leaves for removed keys. */
export async function* blocksOfRows({
  rows,
  field,
  chosen,
  share,
  isCosine,
  size,
  withVectors,
}: RowBlocks): AsyncGenerator<Block> {
  const range = await rangeOf(rows, field);
  const { dim } = rows;
  const [from, to] = rangeOfShare(range.last - range.first, share).map((row) => range.first + row);
  const own = { first: from!, last: to! };
  for await (const { start, table } of rows.batches({ range: own, vectors: withVectors })) {
    for (let first = 0; first < table.numRows; first += size) {
      const last = Math.min(first + size, table.numRows);
      const kept = Uint32Array.from({ length: last - first }, (_, i) => first + i).filter(
        (row) => !isHole(table, row) && (!chosen || chosen.find(table.keys, row) >= 0),
      );
      if (kept.length === 0) continue;
      const keys = selectKeys(table.keys, kept);
      if (!withVectors) {
        const users = kept.map((row) => start - range.first + row);
        yield { keys, queries: { size: kept.length, users } };
        continue;
      }
      const vectors = vectorsAt(table, kept);
      yield {
        keys,
        queries: { size: kept.length, vectors: isCosine ? unitRows(vectors, dim) : vectors },
      };
    }
  }
}

/** Yields users with events. @param queriesOf returns the queries for given user numbers */
export function* blocksOfUsers(
  users: Keys,
  { chosen, share, size }: WhichBlocks,
  queriesOf: (users: Uint32Array) => Omit<Queries, "size">,
): Generator<Block> {
  const [from, to] = rangeOfShare(users.size, share);
  for (let first = from; first < to; first += size) {
    const length = Math.min(size, to - first);
    const own = Uint32Array.from({ length }, (_, i) => first + i).filter(
      (user) => !chosen || chosen.find(users, user) >= 0,
    );
    if (own.length > 0)
      yield { keys: selectKeys(users, own), queries: { size: own.length, ...queriesOf(own) } };
  }
}

/** Yields users unknown to the run, with vectors folded in from their events. */
export async function* blocksOfFolded(
  rows: AsyncIterable<EncodedRows>,
  dim: number,
  isCosine: boolean,
  mostQueries: number,
  numberOf: (key: Keys) => number,
): AsyncGenerator<Block> {
  for await (const { numRows, values, keyOf } of rows) {
    for (let first = 0; first < numRows; first += mostQueries) {
      const size = Math.min(mostQueries, numRows - first);
      const own = Array.from({ length: size }, (_, i) => keyOf(first + i));
      const offsets = new Uint32Array(size + 1);
      own.forEach((key, i) => (offsets[i + 1] = offsets[i]! + key.length));
      const keys = { size, bytes: Buffer.concat(own), offsets };
      const users = Uint32Array.from({ length: size }, (_, i) =>
        numberOf({ size: 1, bytes: own[i]!, offsets: Uint32Array.of(0, own[i]!.length) }),
      );
      const vectors = Float32Array.from(values.subarray(first * dim, (first + size) * dim));
      yield { keys, queries: { size, users, vectors: isCosine ? unitRows(vectors, dim) : vectors } };
    }
  }
}
