// Adds nodes to a graph in batches. First, each node of a batch searches the graph as it was before the batch; then
// links back to the new nodes are added to the chosen neighbors; each neighbor has one owner thread, which writes its
// links. The graph depends neither on the number of threads nor on their timing.
//
// Neighbors are chosen nearest first: a candidate is kept if no kept neighbor is nearer to it than the new node is.
// Source: Malkov and Yashunin 2016 (arXiv:1603.09320), algorithms 1 and 4, as in hnswlib; batches: Manohar et al. 2024
// (ParlayANN, arXiv:2305.04359), section 4. Twin: ../hnsw.reference.ts, the same bits.

import { distances4, distancesTo, vectorOf } from "./distances";
import { distanceOf, Graph, keyOf, nodeOf, NONE, Scratch } from "./plan";
import { descend, linksOf, walk } from "./walk";

/** Returns the address of the distances of a node's links on a level. */
function linkDistances(graph: Graph, node: u32, level: u32): usize {
  const links = linksOf(graph, node, level);
  return level == 0
    ? graph.distances + (links - graph.links)
    : graph.upperDistances + (links - graph.upperLinks);
}

function checkedOf(graph: Graph, node: u32, level: u32): usize {
  if (level == 0) return graph.checked + node;
  return graph.upperChecked + load<u32>(graph.upperRows + ((<usize>node) << 2)) + level - 1;
}

/** Returns whether one of `count` nodes is nearer to the vector x than `distance`. */
function isCovered(graph: Graph, scratch: Scratch, x: usize, nodes: usize, count: u32, distance: f32): bool {
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

/** Writes link i of a node's list of links, and the distance to the linked node. */
function put(links: usize, distances: usize, i: u32, key: u64): void {
  store<u32>(links + ((<usize>i) << 2), nodeOf(key));
  store<f32>(distances + ((<usize>i) << 2), distanceOf(key));
}

/**
 * Sets a new node's links on a level: all nodes of the candidate pool if they are fewer than M, the maximum number of
 * links, else at most M selected ones.
 */
function choose(graph: Graph, scratch: Scratch, node: u32, level: u32): void {
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

/** Searches the graph for the nodes order[first .. last) and sets their links; other nodes get no links to them yet. */
export function insertNodes(graph: Graph, scratch: Scratch, first: u32, last: u32): void {
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

/** Writes the sorted keys of the links in a node's full list, and of one more link, to scratch.candidates. */
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
 * Selects again among the links in a node's full list and one more link. Links that were selected together need not be
 * compared again.
 */
function prune(
  graph: Graph,
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

/** Adds a link from a node back to a new node that selected it. */
function linkTo(graph: Graph, scratch: Scratch, node: u32, level: u32, key: u64): void {
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
  graph: Graph,
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
