// Hierarchical navigable small world graph (HNSW): nodes are linked to near nodes, on levels; each level has a fraction
// of the nodes of the level below. Builds the graph, and searches it for the nearest nodes of a vector.
//
//   level 2    o ─────────────── o          a search goes greedily along the levels above 0
//   level 1    o ─── o ───── o ─ o
//   level 0    o o o o o o o o o o o o      and keeps the ef nearest nodes here
//
// Twin: ../hnsw.reference.ts, the same bits.

import { insertBest } from "../../shared/assembly/best-list";
import { isMasked } from "../../shared/assembly/masks";
import { distances4 } from "./distances";
import { distanceOf, Graph, nodeOf, NONE, Scratch, Search } from "./plan";
import { descend, walk } from "./walk";

export { barrier } from "../../shared/assembly/barrier";
export { insertNodes, linkBack } from "./build";

function labelOf(search: Search, node: u32): u32 {
  return load<u32>(search.labels + ((<usize>node) << 2));
}

/**
 * Writes the result list of a query from the candidate pool, nearest first and without masked nodes.
 * @returns length of the list
 */
function take(search: Search, scratch: Scratch, query: u32): u32 {
  const row = (<usize>query * search.top) << 2;
  let count: u32 = 0;
  for (let i: u32 = 0; i < scratch.size && count < search.top; i++) {
    const key = load<u64>(scratch.pool + ((<usize>i) << 3));
    const label = labelOf(search, nodeOf(key));
    if (isMasked(search.maskEnds, search.masks, query, label)) continue;
    const at = row + ((<usize>count) << 2);
    count++;
    store<u32>(search.found + at, label);
    store<f32>(search.scores + at, <f32>0 - distanceOf(key));
  }
  return count;
}

/** Fills the unused places at the end of a query's result list with NONE. */
function clear(search: Search, query: u32, from: u32): void {
  for (let i = <usize>query * search.top + from; i < <usize>(query + 1) * search.top; i++) {
    store<u32>(search.found + (i << 2), NONE);
    store<f32>(search.scores + (i << 2), -Infinity);
  }
}

/** Fills a query's result list by comparing the query with every node. */
function scan(search: Search, scratch: Scratch, query: u32, x: usize): void {
  const graph = search.graph;
  const K = search.top;
  const row = (<usize>query * K) << 2;
  const last = search.scores + row + ((<usize>(K - 1)) << 2);
  clear(search, query, 0);
  for (let node: u32 = 0; node < graph.numNodes; node += 4) {
    const numLanes = min<u32>(4, graph.numNodes - node);
    for (let i: u32 = 0; i < 4; i++)
      store<u32>(scratch.nodes + ((<usize>i) << 2), node + min(i, numLanes - 1));
    distances4(graph, x, scratch.nodes, scratch.distances);
    for (let i: u32 = 0; i < numLanes; i++) {
      const score = <f32>0 - load<f32>(scratch.distances + ((<usize>i) << 2));
      if (!(score > load<f32>(last))) continue;
      const label = labelOf(search, node + i);
      if (!isMasked(search.maskEnds, search.masks, query, label))
        insertBest(search.scores + row, search.found + row, K, label, score);
    }
  }
  scratch.numDistances += graph.numNodes;
}

/**
 * Finds the nearest nodes of consecutive queries; any thread may process any query.
 *
 * If masks leave a search with too few nodes, a search with a longer candidate list follows, and after the longest the
 * query is compared with every node: a list is shorter than K only if there are no more unmasked nodes.
 */
export function searchQueries(search: Search, scratch: Scratch, first: u32, numQueries: u32): void {
  const graph = search.graph;
  for (let query = first; query < first + numQueries; query++) {
    const x = search.queries + ((<usize>query * graph.dim) << 2);
    const ends = search.maskEnds + ((<usize>query) << 2);
    const isMaskless = load<u32>(ends) == load<u32>(ends, 4);
    const enough = isMaskless ? min(search.top, graph.numNodes) : search.top;
    const start = descend(graph, scratch, x, 0);
    for (let ef = search.ef; ; ef = min(ef << 2, search.mostEf)) {
      walk(graph, scratch, x, start, 0, ef);
      const count = take(search, scratch, query);
      clear(search, query, count);
      if (count >= enough) break;
      // a walk that found fewer than ef nodes has reached every node that is reachable
      if (ef < search.mostEf && scratch.size == ef) continue;
      scan(search, scratch, query, x);
      break;
    }
  }
}
