// Centres with composed vectors: such a vector is a weighted sum of rows of the matrix of centres, its parts, which
// several centres may share (assembly/composed.ts).

import { ascending, longestRow } from "../../../base/numeric/indices.js";
import { exp } from "../../../base/numeric/exp.js";
import type { Arena, Region } from "../shared/memory.js";
import { copyToOthers } from "../shared/threads-in-use.js";
import { R, SL } from "./layout.js";

export interface SgnsParts {
  /**
   * u32[numRows + 1]: the vector of row v is composed of rows[ends[v] .. ends[v + 1]), its parts; a row that occurs as
   * a token needs at least one part
   */
  ends: Uint32Array;
  rows: Uint32Array;
  /**
   * u32, one for each part: index of its attention logit. Adjacent parts of one kind, such as the values of a column of
   * side information, share a logit; indexes start at 0 and ascend by 1
   */
  kinds: Uint32Array;
  /** f32, one for each part: its weight among the parts with the same logit, above 0; these weights add up to 1 */
  weights: Float32Array;
  /**
   * whether attention learns the weights of the kinds (the item itself, columns of side information); if not, they are
   * equal
   */
  attends: boolean;
}

/** One thread's copy of the attention; all copies are equal. */
export interface Attention {
  /** f32: logits */
  attention: Region;
  /** f32[numRows]: AdaGrad's sum of squares of each row's logits */
  squares: Region;
}

/** Returns the number of attention logits. */
export function numKinds({ kinds }: SgnsParts): number {
  return kinds.length === 0 ? 0 : kinds.at(-1)! + 1;
}

/** Returns an upper bound of the parts of a batch. */
export function mostParts({ ends }: SgnsParts): number {
  return R * longestRow(ends);
}

/** Checks what the kernel does not check. @throws {RangeError} a number is out of range */
export function checkParts({ ends, rows, kinds, weights }: SgnsParts, numRows: number): void {
  const ascends = ends.every((end, v) => v === 0 || end >= ends[v - 1]!);
  if (ends.length !== numRows + 1 || ends[0] !== 0 || ends.at(-1) !== rows.length || !ascends)
    throw new RangeError(`parts of ${ends.length - 1} rows, ${rows.length} together, for ${numRows} rows`);
  if (rows.some((row) => row >= numRows)) throw new RangeError(`a part beyond ${numRows} rows`);
  const startsRow = new Uint8Array(rows.length + 1);
  for (const end of ends) startsRow[end] = 1;
  const areKinds = kinds.every((kind, p) => {
    if (p === 0) return kind === 0;
    const step = kind - kinds[p - 1]!;
    return startsRow[p] ? step === 1 : step === 0 || step === 1;
  });
  if (kinds.length !== rows.length || weights.length !== rows.length || !areKinds)
    throw new RangeError("kinds of parts that are none");
}

/**
 * Checks that each node with an outgoing arc is composed of at least one row, because walks visit the node.
 *
 * @param offsets of the arcs by node
 * @throws {RangeError} a node has none
 */
export function checkNodes({ ends }: SgnsParts, offsets: Uint32Array): void {
  for (let v = 0; v + 1 < offsets.length; v++)
    if (offsets[v + 1]! > offsets[v]! && ends[v] === ends[v + 1])
      throw new RangeError(`node ${v} has an arc and no parts`);
}

/**
 * Returns the weights of the kinds of parts (the item itself, columns of side information) in each composed vector: the
 * softmax of the vector's attention logits.
 *
 * @returns f64, one weight for each logit
 */
export function sharesOf({ ends, kinds }: SgnsParts, attention: ArrayLike<number>): Float64Array {
  const shares = new Float64Array(attention.length);
  for (let v = 0; v + 1 < ends.length; v++) {
    if (ends[v] === ends[v + 1]) continue;
    const [first, end] = [kinds[ends[v]!]!, kinds[ends[v + 1]! - 1]! + 1];
    let most = -Infinity;
    for (let k = first; k < end; k++) most = Math.max(most, attention[k]!);
    let sum = 0;
    for (let k = first; k < end; k++) sum += shares[k] = exp(attention[k]! - most);
    for (let k = first; k < end; k++) shares[k]! /= sum;
  }
  return shares;
}

/**
 * Returns a copy of the rows, in which each composed row is replaced by the weighted sum of the rows of which it
 * consists.
 *
 * @param rows f32[numRows * dim]
 * @param attention f32: attention logits of the composed rows
 */
export function composedRows(
  parts: SgnsParts,
  attention: ArrayLike<number>,
  rows: Float32Array,
  dim: number,
): Float32Array {
  const { ends, kinds, weights } = parts;
  const shares = sharesOf(parts, attention);
  const composed = rows.slice();
  const sum = new Float64Array(dim);
  for (let v = 0; v + 1 < ends.length; v++) {
    if (ends[v] === ends[v + 1]) continue;
    sum.fill(0);
    for (let p = ends[v]!; p < ends[v + 1]!; p++) {
      const [share, row] = [shares[kinds[p]!]! * weights[p]!, parts.rows[p]! * dim];
      for (let d = 0; d < dim; d++) sum[d]! += share * rows[row + d]!;
    }
    composed.set(sum, v * dim);
  }
  return composed;
}

/** Returns Plan's fields. @param J number of slices */
export function planOfParts(arena: Arena, parts: SgnsParts | undefined, J: number) {
  const most = parts ? mostParts(parts) : 0;
  const room = (numbers: number) =>
    parts ? arena.allocate("a batch's composed vectors", numbers * 4).offset : 0;
  return {
    mostParts: most,
    attends: parts?.attends ?? false,
    partEnds: arena.put("parts of rows", parts?.ends),
    partRows: arena.put("parts of rows", parts?.rows),
    partKinds: arena.put("parts of rows", parts?.kinds),
    partWeights: arena.put("parts of rows", parts?.weights),
    composed: room(J * (1 + R) * SL),
    slotNumbers: arena.put("slots", parts && ascending(1 + R)),
    attentionPartials: room(J * most),
  };
}

/** Allocates a thread's logits. All are 0, so that all kinds have equal weights. */
export function allocateAttention(arena: Arena, parts: SgnsParts): Attention {
  const size = numKinds(parts);
  const attention = arena.allocate(`the attention of ${size} kinds of parts`, size * 4);
  const squares = arena.allocate("AdaGrad's sums of attention", (parts.ends.length - 1) * 4);
  arena.f32(squares).fill(1);
  return { attention, squares };
}

/** Returns the fields of BatchRows. */
export function batchOfParts(arena: Arena, parts: SgnsParts | undefined) {
  const most = parts ? mostParts(parts) : 0;
  const room = (numbers: number) => (parts ? arena.allocate("parts", numbers * 4).offset : 0);
  return { numPartSlots: 0, partRows: room(1 + most), partEnds: room(1 + R), partSlots: room(most) };
}

/** Copies the first thread's attention to the others. */
export function copyAttention(arena: Arena, of: readonly Attention[]): void {
  copyToOthers(
    arena,
    of.map(({ attention }) => attention),
  );
  copyToOthers(
    arena,
    of.map(({ squares }) => squares),
  );
}

/** Returns the fields of Thread. */
export function threadOfParts(arena: Arena, parts: SgnsParts | undefined, attention: Attention | undefined) {
  const most = parts ? mostParts(parts) : 0;
  const room = (numbers: number) => (parts ? arena.allocate("parts", numbers * 4).offset : 0);
  return {
    attention: attention?.attention,
    attentionSquares: attention?.squares,
    partSlotOf: room(parts ? parts.ends.length - 1 : 0),
    partShares: room(most),
    partSums: room((1 + most) * SL),
  };
}
