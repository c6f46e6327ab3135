// Builds an index of nearest neighbours on all threads: batch after batch of nodes, each against the graph as it was before it.

import { allocateBuild, allocateScratch, batchEnds, type Nearness } from "../../kernels/hnsw/binding.js";
import { allocateBarrier, stopBarrier } from "../../kernels/shared/barrier.js";
import { loadKernel } from "../../kernels/shared/load.js";
import { WorkerPool } from "../../workers/pool.js";
import { withMachine } from "../../workers/with-machine.js";
import type { BuildInit, BuildTask } from "./build.worker.js";
import { graphOf, unsearched, type HnswGraph } from "./graph.js";
import type { Levels } from "./levels.js";

/** What an index is built of. */
export interface BuildInput extends Levels {
  dim: number;
  /** f32[n * dim], row-major and finite */
  vectors: Float32Array;
  /** u32[n], ascending: what nodes are called */
  labels: Uint32Array;
  nearness: Nearness;
}

export interface BuildOptions {
  /** links of a node on a level above 0, 2 to MOST_LINKS; twice as many on level 0 */
  m: number;
  /** candidates that a node chooses its neighbours from, m at least */
  efConstruction: number;
  threads: number;
  /** ends the build promptly; the promise rejects with its reason */
  signal?: AbortSignal;
  /** hears how many nodes stand in the graph, a hundred times or less */
  progress?: (numNodes: number) => void;
}

/** Stretches of batches that threads work through at once. */
const STRETCHES = 100;

/**
 * Links every vector to near ones.
 *
 * The same bytes at any number of threads.
 *
 * @throws {UsageError} the vectors and their links do not fit 4 GiB
 */
export async function buildHnsw(
  { dim, vectors, labels, nearness, levels, order }: BuildInput,
  { m, efConstruction, threads, signal, progress }: BuildOptions,
): Promise<HnswGraph> {
  signal?.throwIfAborted();
  const shape = { dim, nearness, m, m0: 2 * m, levels, entry: order[0]! };
  const { arena, layout } = graphOf(shape, vectors);
  allocateBuild(arena, layout, { order, efConstruction });
  const ends = batchEnds(levels.length);
  const size = Math.max(1, threads);
  const barrier = allocateBarrier(arena);
  const init: BuildInit = {
    memory: arena.memory,
    module: await loadKernel("hnsw"),
    graph: layout.graph,
    scratches: Array.from({ length: size }, () => allocateScratch(arena, layout, efConstruction)),
    barrier: barrier.offset,
    ends,
    counters: arena.allocate("counters", ends.length * 4).offset,
  };
  const release = () => stopBarrier(arena, barrier);
  const url = new URL("./build.worker.js", import.meta.url);
  const pool = await WorkerPool.start<BuildTask, null>(url, size, init, release);
  await withMachine(pool, signal, async () => {
    for (let from = 0; from < ends.length;) {
      const goal = (ends[from - 1] ?? 1) + levels.length / STRETCHES;
      let to = from + 1;
      while (to < ends.length && ends[to]! < goal) to++;
      await pool.run({ from, to });
      progress?.(ends[to - 1]!);
      from = to;
    }
  });
  return unsearched({ arena, layout, labels, efConstruction });
}
