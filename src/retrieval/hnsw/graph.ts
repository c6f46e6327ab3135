// An index of nearest neighbors in memory: vectors, links, and labels of its nodes.

import { allocateGraph, type GraphLayout, type GraphShape } from "../../kernels/hnsw/binding.js";
import { GrowingArrays } from "../../kernels/shared/growing-arrays.js";
import { Arena } from "../../kernels/shared/memory.js";

/** A graph with its links. */
export interface HnswGraph {
  arena: Arena;
  layout: GraphLayout;
  /** u32[n], ascending: the label of each node, a row of the table's field */
  labels: Uint32Array;
  /** number of candidates from which nodes chose their neighbors */
  efConstruction: number;
  // memory that searches reuse
  /** positions of a struct and the labels in the arena */
  search?: { at: number; labels: number };
  /** scratch memory of threads, by the most candidates of a walk */
  scratches: Record<number, number[]>;
  growing: GrowingArrays;
}

/** Returns a graph that was not searched yet. */
export function unsearched(graph: Omit<HnswGraph, "search" | "scratches" | "growing">): HnswGraph {
  return { ...graph, scratches: {}, growing: new GrowingArrays(graph.arena, "a search") };
}

/** Creates a graph of vectors without links. @param vectors f32[n * dim] @throws {UsageError} it exceeds 4 GiB */
export function graphOf(shape: GraphShape, vectors: Float32Array): { arena: Arena; layout: GraphLayout } {
  const arena = new Arena();
  const layout = allocateGraph(arena, shape);
  putVectors(arena, layout, 0, vectors);
  return { arena, layout };
}

/** Writes vectors of consecutive nodes. @param vectors f32[count * dim] */
export function putVectors(
  arena: Arena,
  { vectors: region, dim, stride }: GraphLayout,
  first: number,
  vectors: Float32Array,
): void {
  const target = arena.f32(region);
  for (let from = 0, to = first * stride; from < vectors.length; from += dim, to += stride)
    target.set(vectors.subarray(from, from + dim), to);
}

/** Returns u32: a node's links on a level, a view up to the first empty one. */
export function linksOf(
  { arena, layout }: Pick<HnswGraph, "arena" | "layout">,
  node: number,
  level: number,
): Uint32Array {
  const { links, upperLinks, upperRows, m, m0 } = layout;
  const row =
    level === 0
      ? arena.u32(links).subarray(node * m0, (node + 1) * m0)
      : arena.u32(upperLinks).subarray((upperRows[node]! + level - 1) * m, (upperRows[node]! + level) * m);
  const end = row.indexOf(0xffffffff);
  return end === -1 ? row : row.subarray(0, end);
}
