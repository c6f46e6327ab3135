// Hierarchical navigable small world graph (HNSW): nodes are linked to near nodes, on levels; each level has a fraction
// of the nodes of the level below. Builds the graph, and searches it for the nearest nodes of a vector.
//
//   level 2    o ─────────────── o          a search goes greedily along the levels above 0
//   level 1    o ─── o ───── o ─ o
//   level 0    o o o o o o o o o o o o      and keeps the ef nearest nodes here
//
// The graph is built in batches. First, each node of a batch searches the graph as it was before the batch; then links
// back to the new nodes are added to the chosen neighbors; each neighbor has one owner thread, which writes its links.
// The graph depends neither on the number of threads nor on their timing. Neighbors are chosen nearest first: a
// candidate is kept if no kept neighbor is nearer to it than the new node is.
//
// Source: Malkov and Yashunin 2016 (arXiv:1603.09320), algorithms 1 and 4, as in hnswlib; batches: Manohar et al. 2024
// (ParlayANN, arXiv:2305.04359), section 4. Twin: ../hnsw.reference.ts, the same bits.

import { insertBest, isMasked } from "../../shared/assembly/best-list";
import { distances4, vectorOf } from "./distances";
import { distanceOf, LinkGraph, keyOf, nodeOf, NONE, Scratch, HnswSearch } from "./plan";
import { descend, linksOf, walk } from "./walk";

export { barrier } from "../../shared/assembly/barrier";

function labelOf(search: HnswSearch, node: u32): u32 {
  return load<u32>(search.labels + ((<usize>node) << 2));
}

/** Writes the result list of a query from the pool, without masked nodes. @returns length of the list */
function take(search: HnswSearch, scratch: Scratch, query: u32): u32 {
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

/** Fills a query's list with NONE from place `from` on. */
function clear(search: HnswSearch, query: u32, from: u32): void {
  for (let i = <usize>query * search.top + from; i < <usize>(query + 1) * search.top; i++) {
    store<u32>(search.found + (i << 2), NONE);
    store<f32>(search.scores + (i << 2), -Infinity);
  }
}

/** Fills a query's list by comparing the query with every node. */
function scan(search: HnswSearch, scratch: Scratch, query: u32, x: usize): void {
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
export function searchQueries(search: HnswSearch, scratch: Scratch, first: u32, numQueries: u32): void {
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

function linkDistances(graph: LinkGraph, node: u32, level: u32): usize {
  const links = linksOf(graph, node, level);
  return level == 0
    ? graph.distances + (links - graph.links)
    : graph.upperDistances + (links - graph.upperLinks);
}

function checkedOf(graph: LinkGraph, node: u32, level: u32): usize {
  if (level == 0) return graph.checked + node;
  return graph.upperChecked + load<u32>(graph.upperRows + ((<usize>node) << 2)) + level - 1;
}

/** Returns whether one of `count` nodes is nearer to the vector x than `distance`. */
function isCovered(
  graph: LinkGraph,
  scratch: Scratch,
  x: usize,
  nodes: usize,
  count: u32,
  distance: f32,
): bool {
  const out = scratch.distances;
  // pads the list of nodes to a multiple of 4 with copies of the last node
  for (let i: u32 = 0; i < count; i += 4) {
    const left = count - i;
    if (left < 4) {
      const last = load<u32>(nodes + ((<usize>(count - 1)) << 2));
      for (let j = left; j < 4; j++) store<u32>(nodes + ((<usize>(i + j)) << 2), last);
    }
    distances4(graph, x, nodes + ((<usize>i) << 2), out);
    scratch.numDistances += min<u32>(4, left);
    if (v128.any_true(f32x4.lt(v128.load(out), f32x4.splat(distance)))) return true;
  }
  return false;
}

/** Writes link i of a list. */
function put(links: usize, distances: usize, i: u32, key: u64): void {
  store<u32>(links + ((<usize>i) << 2), nodeOf(key));
  store<f32>(distances + ((<usize>i) << 2), distanceOf(key));
}

/**
 * Sets a new node's links on a level: the whole candidate pool if it is smaller than M, else at most M selected nodes.
 */
function choose(graph: LinkGraph, scratch: Scratch, node: u32, level: u32): void {
  const m = graph.m;
  const links = linksOf(graph, node, level);
  const distances = linkDistances(graph, node, level);
  const size = scratch.size;
  if (size < m) {
    for (let i: u32 = 0; i < size; i++) put(links, distances, i, load<u64>(scratch.pool + ((<usize>i) << 3)));
    return;
  }
  let numKept: u32 = 0;
  for (let i: u32 = 0; i < size && numKept < m; i++) {
    const key = load<u64>(scratch.pool + ((<usize>i) << 3));
    const candidate = nodeOf(key);
    if (isCovered(graph, scratch, vectorOf(graph, candidate), scratch.kept, numKept, distanceOf(key)))
      continue;
    store<u32>(scratch.kept + ((<usize>numKept) << 2), candidate);
    put(links, distances, numKept++, key);
  }
  store<u8>(checkedOf(graph, node, level), <u8>numKept);
}

/** Searches the graph for the nodes order[first .. last) and sets their links; no node gets links to them yet. */
export function insertNodes(graph: LinkGraph, scratch: Scratch, first: u32, last: u32): void {
  for (let i = first; i < last; i++) {
    const node = load<u32>(graph.order + ((<usize>i) << 2));
    const x = vectorOf(graph, node);
    const top = <u32>load<u8>(graph.levels + node);
    let start = descend(graph, scratch, x, top);
    for (let level = <i32>top; level >= 0; level--) {
      walk(graph, scratch, x, start, level, graph.efConstruction);
      choose(graph, scratch, node, level);
      start = nodeOf(load<u64>(scratch.pool));
    }
  }
}

/** Writes the sorted keys of a full list of links, and of one more, to scratch.candidates. */
function sortLinks(
  scratch: Scratch,
  links: usize,
  distances: usize,
  count: u32,
  checked: u32,
  more: u64,
): void {
  const sorted = scratch.candidates;
  for (let i: u32 = 0; i <= count; i++) {
    const offset = (<usize>i) << 2;
    let key = more | 1;
    if (i < count)
      key = keyOf(load<f32>(distances + offset), load<u32>(links + offset)) | <u64>(i >= checked);
    let at = sorted + ((<usize>i) << 3);
    while (at > sorted && load<u64>(at - 8) > key) {
      store<u64>(at, load<u64>(at - 8));
      at -= 8;
    }
    store<u64>(at, key);
  }
}

/**
 * Selects again among a full list of links and one more. Links that were selected together need not be compared again.
 */
function prune(
  graph: LinkGraph,
  scratch: Scratch,
  links: usize,
  distances: usize,
  checked: usize,
  count: u32,
  more: u64,
): void {
  sortLinks(scratch, links, distances, count, load<u8>(checked), more);
  let numKept: u32 = 0;
  let numFresh: u32 = 0;
  for (let i: u32 = 0; i <= count && numKept < count; i++) {
    const key = load<u64>(scratch.candidates + ((<usize>i) << 3));
    const candidate = nodeOf(key);
    const isFresh = (key & 1) != 0;
    const against = isFresh ? scratch.kept : scratch.fresh;
    const x = vectorOf(graph, candidate);
    if (isCovered(graph, scratch, x, against, isFresh ? numKept : numFresh, distanceOf(key))) continue;
    if (isFresh) {
      store<u32>(scratch.fresh + ((<usize>numFresh) << 2), candidate);
      numFresh++;
    }
    store<u32>(scratch.kept + ((<usize>numKept) << 2), candidate);
    put(links, distances, numKept++, key);
  }
  store<u8>(checked, <u8>numKept);
  for (let i = numKept; i < count; i++) store<u32>(links + ((<usize>i) << 2), NONE);
}

function linkTo(graph: LinkGraph, scratch: Scratch, node: u32, level: u32, key: u64): void {
  const most = level == 0 ? graph.m0 : graph.m;
  const links = linksOf(graph, node, level);
  const distances = linkDistances(graph, node, level);
  let count: u32 = 0;
  while (count < most && load<u32>(links + ((<usize>count) << 2)) != NONE) count++;
  if (count < most) put(links, distances, count, key);
  else prune(graph, scratch, links, distances, checkedOf(graph, node, level), most, key);
}

/** Adds the links back to the nodes order[first .. last), in this order, for the neighbors that this thread owns. */
export function linkBack(
  graph: LinkGraph,
  scratch: Scratch,
  first: u32,
  last: u32,
  owner: u32,
  numOwners: u32,
): void {
  for (let i = first; i < last; i++) {
    const node = load<u32>(graph.order + ((<usize>i) << 2));
    const top = <u32>load<u8>(graph.levels + node);
    for (let level: u32 = 0; level <= top; level++) {
      const links = linksOf(graph, node, level);
      const distances = linkDistances(graph, node, level);
      // a new node selects at most M links on every level, even on level 0, where a node may have 2 M
      for (let j: usize = 0; j < (<usize>graph.m) << 2; j += 4) {
        const target = load<u32>(links + j);
        if (target == NONE) break;
        if (target % numOwners == owner)
          linkTo(graph, scratch, target, level, keyOf(load<f32>(distances + j), node));
      }
    }
  }
}
