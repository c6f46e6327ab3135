import {
  allocateScratch,
  allocateSearch,
  putSearch,
  takeDistances,
  WIDEST,
  type HnswKernel,
} from "../../../compute/kernels/hnsw/binding.js";
import type { Region } from "../../../compute/kernels/shared/memory.js";
import { NO_ITEM, type ItemLists, type TopItems } from "../../../compute/kernels/top-items/binding.js";
import { ThreadedKernel } from "../../../compute/threads/threaded-kernel.js";
import { withMachine } from "../../../compute/threads/with-machine.js";
import type { HnswGraph } from "./graph.js";

interface GraphSearchOptions {
  /** number of labels per list, at least 1 */
  top: number;
  /** number of candidates that a search keeps, at least `top` */
  ef: number;
  /** labels that each query's list must not contain; no labels are excluded when absent */
  masks?: ItemLists | undefined;
  threads: number;
  /** aborts the search promptly; the promise rejects with the signal's reason */
  signal?: AbortSignal | undefined;
}

interface GraphSearchResult extends TopItems {
  numDistances: number;
  /** duration of the searches, without the start of the threads */
  seconds: number;
}

const QUERIES_HELD = 8192;
/** Queries of one kernel call; calls are short, because optimized code replaces a function only at its next call. */
const QUERIES_OF_CALL = 8;

/**
 * Returns for each query the labels of the nearest nodes that a search of the graph finds, nearest first. Ties are in
 * node order.
 *
 * Scores are inner products, or negated squared distances. If masks leave fewer than `top` results, a search with more
 * candidates follows, and finally a scan of all nodes: a list is shorter than `top` only if fewer nodes are not masked.
 * The result does not depend on the number of threads.
 *
 * @param queries f32[numQueries * dim]
 * @throws {UsageError} the graph and the memory of the searches together exceed 4 GiB
 */
export async function searchGraph(
  graph: HnswGraph,
  queries: Float32Array,
  { top, ef, masks, threads, signal }: GraphSearchOptions,
): Promise<GraphSearchResult> {
  signal?.throwIfAborted();
  const { arena } = graph;
  const { dim } = graph.layout;
  const numQueries = queries.length / dim;
  const all: GraphSearchResult = {
    items: new Uint32Array(numQueries * top).fill(NO_ITEM),
    scores: new Float32Array(numQueries * top).fill(-Infinity),
    numDistances: 0,
    seconds: 0,
  };
  if (numQueries === 0) return all;
  const room = roomOf(graph, { top, ef, threads, numHeld: Math.min(QUERIES_HELD, numQueries) });
  const { search, scratches, found, scores } = room;
  const machine = new ThreadedKernel<HnswKernel>(arena);
  await machine.begin("hnsw", { threads: scratches });
  return await withMachine(machine, signal, async () => {
    for (let from = 0; from < numQueries; from += QUERIES_HELD) {
      const to = Math.min(numQueries, from + QUERIES_HELD);
      putQueries(graph, room, queries.subarray(from * dim, to * dim));
      putMasks(graph, room, masks, from, to);
      const start = performance.now();
      await machine.run({
        take: { end: to - from, size: QUERIES_OF_CALL },
        call: ["searchQueries", search, "thread", "first", "count"],
      });
      all.seconds += (performance.now() - start) / 1000;
      for (const scratch of scratches) all.numDistances += takeDistances(arena, scratch);
      const length = (to - from) * top;
      all.items.set(arena.u32(found).subarray(0, length), from * top);
      all.scores.set(arena.f32(scores).subarray(0, length), from * top);
    }
    return all;
  });
}

interface Room {
  search: number;
  scratches: number[];
  queries: Region;
  found: Region;
  scores: Region;
  fields: { graph: number; top: number; ef: number; mostEf: number; labels: number };
}

function roomOf(
  graph: HnswGraph,
  { top, ef: given, threads, numHeld }: { top: number; ef: number; threads: number; numHeld: number },
): Room {
  const { arena, layout, labels } = graph;
  const ef = Math.max(given, top);
  // searches with similar numbers of candidates share buffers: the numbers are rounded up to WIDEST times a power of
  // two
  const mostEf = WIDEST * 2 ** Math.max(0, Math.ceil(Math.log2(ef / WIDEST)));
  graph.search ??= { at: allocateSearch(arena), labels: arena.put("the labels of the index", labels) };
  const scratches = (graph.scratches[mostEf] ??= []);
  while (scratches.length < threads) scratches.push(allocateScratch(arena, layout, mostEf));
  return {
    search: graph.search.at,
    scratches: scratches.slice(0, threads),
    queries: graph.growing.reserve("queries", numHeld * layout.stride * 4),
    found: graph.growing.reserve("items", numHeld * top * 4),
    scores: graph.growing.reserve("scores", numHeld * top * 4),
    fields: { graph: layout.graph, top, ef, mostEf, labels: graph.search.labels },
  };
}

function putQueries({ arena, layout: { dim, stride } }: HnswGraph, room: Room, queries: Float32Array): void {
  const target = arena.f32(room.queries);
  if (dim < stride) target.fill(0);
  for (let from = 0, to = 0; from < queries.length; from += dim, to += stride)
    target.set(queries.subarray(from, from + dim), to);
}

function putMasks(
  graph: HnswGraph,
  room: Room,
  masks: ItemLists | undefined,
  from: number,
  to: number,
): void {
  const { arena } = graph;
  const first = masks?.indptr[from] ?? 0;
  const items = masks?.items.subarray(first, masks.indptr[to]) ?? new Uint32Array();
  const ends = Uint32Array.from({ length: to - from + 1 }, (_, q) =>
    masks ? masks.indptr[from + q]! - first : 0,
  );
  putSearch(arena, room.search, {
    ...room.fields,
    queries: room.queries.offset,
    maskEnds: graph.growing.put("masks' ends", ends),
    masks: graph.growing.put("masks", items),
    found: room.found.offset,
    scores: room.scores.offset,
  });
}
