// Builds an HNSW graph for nearest-neighbor search on all threads. Nodes are added in batches: each node of a batch is
// linked to nodes of the previous batches.

import {
  allocateBuild,
  allocateScratch,
  batchEnds,
  NO_NODE,
  type HnswKernel,
  type Nearness,
} from "../../../compute/kernels/hnsw/binding.js";
import { allocateBarrier } from "../../../compute/kernels/shared/barrier.js";
import { ONCE, type Work } from "../../../compute/threads/kernel-thread.js";
import { ThreadedKernel } from "../../../compute/threads/threaded-kernel.js";
import { withMachine } from "../../../compute/threads/with-machine.js";
import { graphOf, unsearched, type HnswGraph, type Levels } from "./graph.js";
import type { IndexMetric } from "./space.js";
import { sizeText, UsageError } from "../../../base/errors.js";

interface BuildInput extends Levels {
  dim: number;
  /** finite vectors of the nodes, f32[n * dim], row-major */
  vectors: Float32Array;
  /** u32[n], ascending: labels of the nodes */
  labels: Uint32Array;
  nearness: Nearness;
}

interface HnswBuildOptions {
  /** maximum number of links of a node on each level above 0, from 2 to MOST_LINKS; level 0 has twice as many */
  m: number;
  /** number of candidates from which a node chooses its neighbors, at least m */
  efConstruction: number;
  threads: number;
  /** aborts the build promptly; the promise rejects with the signal's reason */
  signal?: AbortSignal;
  /** called with the number of nodes in the graph, at most a hundred times */
  progress?: (numNodes: number) => void;
}

interface IndexShape {
  numRows: number;
  dim: number;
  m: number;
  metric: IndexMetric;
}

/** Whether the vectors of an index and their links fit in one memory, without the links of levels above 0. */
export function fitsIndex(shape: IndexShape): boolean {
  return indexBytes(shape) <= 2 ** 32;
}

function indexBytes({ numRows, dim, m, metric }: IndexShape): number {
  // an index for inner products is joined from two with half of the links, each built with the links' distances
  const links = 2 * m * 4 * (metric === "dot" ? 1 : 2);
  return numRows * (Math.ceil(dim / 4) * 16 + links + BYTES_OF_NODE);
}

/** @throws {UsageError} the index does not fit */
export function checkIndexFits(shape: IndexShape): void {
  if (fitsIndex(shape)) return;
  const { numRows, dim } = shape;
  throw new UsageError(
    `an index of ${numRows.toLocaleString("en")} rows of ${dim} numbers needs ${sizeText(indexBytes(shape))}, and one memory ` +
      "holds 4 GiB: use fewer links (--m), another field (--field) or shorter vectors (--dim of the training), or " +
      "search exactly, since neighbors and recall need no index",
  );
}

/** Bytes of a node's level, its row of upper links, its place in the order, and marks. */
const BYTES_OF_NODE = 10;

/** Number of stretches of batches, which threads process without a pause; progress is reported after each. */
const STRETCHES = 100;
/** Nodes that one kernel call adds; calls are short: optimized code replaces a function only at its next call. */
const NODES_OF_CALL = 4;

/** Links vectors near each other, at any number of threads the same. @throws {UsageError} links and vectors exceed 4 GiB */
export async function buildHnsw(
  { dim, vectors, labels, nearness, levels, order }: BuildInput,
  { m, efConstruction, threads, signal, progress }: HnswBuildOptions,
): Promise<HnswGraph> {
  signal?.throwIfAborted();
  const shape = { dim, nearness, m, m0: 2 * m, levels, entry: order[0]! };
  const { arena, layout } = graphOf(shape, vectors);
  allocateBuild(arena, layout, { order, efConstruction });
  const ends = batchEnds(levels.length);
  const machine = new ThreadedKernel<HnswKernel>(arena);
  const scratch = () => allocateScratch(arena, layout, efConstruction);
  const scratches = Array.from({ length: Math.max(1, threads) }, scratch);
  const barrier = allocateBarrier(arena);
  await machine.begin("hnsw", { threads: scratches, barrier });
  const { graph } = layout;
  const meet: Work<HnswKernel> = { every: ONCE, call: ["barrier", barrier.offset, scratches.length] };
  // all nodes of a batch first search the graph for neighbors; then the reverse links are added
  const worksOf = (batch: number): Work<HnswKernel>[] => {
    const nodes = { first: ends[batch - 1] ?? 1, end: ends[batch]!, size: NODES_OF_CALL };
    const owner = ["index", scratches.length] as const;
    return [
      { take: nodes, call: ["insertNodes", graph, "thread", "first", "end"] },
      meet,
      { every: nodes, call: ["linkBack", graph, "thread", "first", "end", ...owner] },
      meet,
    ];
  };
  await withMachine(machine, signal, async () => {
    for (let from = 0; from < ends.length;) {
      const goal = (ends[from - 1] ?? 1) + levels.length / STRETCHES;
      let to = from + 1;
      while (to < ends.length && ends[to]! < goal) to++;
      await machine.run(...Array.from({ length: to - from }, (_, i) => worksOf(from + i)).flat());
      progress?.(ends[to - 1]!);
      from = to;
    }
  });
  return unsearched({ arena, layout, labels, efConstruction });
}

// Builds an index for inner products: half of a node's links lead to the nodes with the greatest inner products, half
// to the nodes with the least distances.
//
// The inner product is not a distance. If the lengths of the vectors vary, links by inner products lead to the longest
// vectors only: a search finds the first items of a list but not the others, to which no links lead. Links by distance
// lead to all vectors, but rarely to those with the greatest products. At the same number of links, the mix has a
// higher recall than either kind alone (docs/experiments/index.md).

/** Minimum number of links of a node: two that are chosen by inner product, and two by distance. */
export const FEWEST_LINKS = 4;

/** Builds a graph for searches by inner product. @param options.m at least FEWEST_LINKS */
export async function buildMixed(
  input: Omit<BuildInput, "nearness">,
  { m, progress, ...options }: HnswBuildOptions,
): Promise<HnswGraph> {
  const { dim, vectors, labels, levels, order } = input;
  const numNodes = levels.length;
  const byProduct = await linksBy("dot", Math.ceil(m / 2), (n) => progress?.(Math.floor(n / 2)));
  const byDistance = await linksBy("l2", Math.floor(m / 2), (n) =>
    progress?.(Math.floor((numNodes + n) / 2)),
  );

  const { arena, layout } = graphOf(
    { dim, nearness: "dot", m, m0: 2 * m, levels, entry: order[0]! },
    vectors,
  );
  putUnion(arena.u32(layout.links), 2 * m, [byProduct.links, byDistance.links]);
  putUnion(arena.u32(layout.upperLinks), m, [byProduct.upperLinks, byDistance.upperLinks]);
  return unsearched({ arena, layout, labels, efConstruction: options.efConstruction });

  /** Returns a copy of the links, so that the memory of the rest of the graph can be freed. */
  async function linksBy(nearness: "dot" | "l2", half: number, heard: (n: number) => void) {
    const graph = await buildHnsw({ ...input, nearness }, { ...options, m: half, progress: heard });
    const { links, upperLinks } = graph.layout;
    return {
      links: { width: 2 * half, rows: graph.arena.u32(links).slice() },
      upperLinks: { width: half, rows: graph.arena.u32(upperLinks).slice() },
    };
  }
}

/** NO_NODE terminates a list that does not fill its row. */
interface Rows {
  width: number;
  rows: Uint32Array;
}

/** Writes unions of links without duplicates. @param target u32[n][width], filled with NO_NODE */
function putUnion(target: Uint32Array, width: number, parts: readonly Rows[]): void {
  for (let row = 0; row < target.length / width; row++) {
    let end = row * width;
    for (const part of parts) {
      for (let i = 0; i < part.width; i++) {
        const link = part.rows[row * part.width + i]!;
        if (link === NO_NODE) break;
        if (!target.subarray(row * width, end).includes(link)) target[end++] = link;
      }
    }
  }
}
