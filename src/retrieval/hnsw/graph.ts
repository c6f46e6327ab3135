// An HNSW graph in memory: vectors, links, and labels of its nodes.

import { allocateGraph, type GraphLayout, type GraphShape } from "../../kernels/hnsw/binding.js";
import { Arena, GrowingArrays } from "../../kernels/shared/memory.js";

/** A graph, and the memory that its searches reuse. */
export interface HnswGraph {
  arena: Arena;
  layout: GraphLayout;
  /** u32[n], ascending: label of each node, which is the number of its row within the field of the table */
  labels: Uint32Array;
  /** number of candidates from which each node chose its neighbors */
  efConstruction: number;
  // memory that is allocated by the first search and reused by the others
  /** offsets of the search struct and of the labels in the arena */
  search?: { at: number; labels: number };
  /** offsets of the threads' scratch memory, by the maximum number of candidates of a search */
  scratches: Record<number, number[]>;
  growing: GrowingArrays;
}

/** Returns a graph without memory for searches, which the first search allocates. */
export function unsearched(graph: Omit<HnswGraph, "search" | "scratches" | "growing">): HnswGraph {
  return { ...graph, scratches: {}, growing: new GrowingArrays(graph.arena, "a search") };
}

/** Creates a graph that contains vectors and no links. */
export function graphOf(shape: GraphShape, vectors: Float32Array): { arena: Arena; layout: GraphLayout } {
  const arena = new Arena();
  const layout = allocateGraph(arena, shape);
  putVectors(arena, layout, 0, vectors);
  return { arena, layout };
}

/** Copies the vectors of consecutive nodes into the graph. */
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

/** Returns u32: the links of a node on a level, as a view that ends before the first unused place. */
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
