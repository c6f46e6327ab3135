// Walks along the graph towards a vector, and finds the nearest nodes of one level.
//
// Source: Malkov and Yashunin 2016 (arXiv:1603.09320), algorithm 2. The two heaps of the paper are one sorted list
// here, the candidate pool; a node in it is marked when its neighbors have been visited.

import { distancesTo } from "./distances";
import { LinkGraph, keyOf, nodeOf, NONE, Scratch } from "./plan";

export function linksOf(graph: LinkGraph, node: u32, level: u32): usize {
  if (level == 0) return graph.links + ((<usize>node * graph.m0) << 2);
  const row = load<u32>(graph.upperRows + ((<usize>node) << 2)) + level - 1;
  return graph.upperLinks + ((<usize>row * graph.m) << 2);
}

/** Clears the set of visited nodes: those whose mark equals `epoch`. */
function nextEpoch(graph: LinkGraph, scratch: Scratch): void {
  if (scratch.epoch == 255) {
    memory.fill(scratch.marks, 0, graph.numNodes);
    scratch.epoch = 0;
  }
  scratch.epoch++;
}

/** Inserts a key into the sorted pool, and drops the last one if it is full. @returns position of the key */
function insert(pool: usize, size: u32, ef: u32, key: u64): u32 {
  let at = pool + ((<usize>min<u32>(size, ef - 1)) << 3);
  while (at > pool && load<u64>(at - 8) > key) {
    store<u64>(at, load<u64>(at - 8));
    at -= 8;
  }
  store<u64>(at, key);
  return <u32>((at - pool) >> 3);
}

/** Writes the unvisited nodes of a row of links to scratch.nodes, and marks them as visited. @returns their number */
function unseen(scratch: Scratch, row: usize, most: u32): u32 {
  const marks = scratch.marks;
  const epoch = scratch.epoch;
  const nodes = scratch.nodes;
  const end = row + ((<usize>most) << 2);
  let count: usize = 0;
  for (; row < end; row += 4) {
    const node = load<u32>(row);
    if (node == NONE) break;
    const mark = marks + node;
    // the store is unconditional, which is cheaper than a mispredicted branch
    store<u32>(nodes + (count << 2), node);
    count += <usize>(load<u8>(mark) != epoch);
    store<u8>(mark, <u8>epoch);
  }
  return <u32>count;
}

/** Walks from `start` on one level towards x, f32[d], and fills the candidate pool with the ef nearest nodes found. */
export function walk(graph: LinkGraph, scratch: Scratch, x: usize, start: u32, level: u32, ef: u32): void {
  nextEpoch(graph, scratch);
  const pool = scratch.pool;
  const nodes = scratch.nodes;
  const distances = scratch.distances;
  const most = level == 0 ? graph.m0 : graph.m;
  store<u32>(nodes, start);
  distancesTo(graph, x, nodes, 1, distances);
  store<u8>(scratch.marks + start, <u8>scratch.epoch);
  store<u64>(pool, keyOf(load<f32>(distances), start));
  let size: u32 = 1;
  let numDistances: u32 = 1;

  for (let next: u32 = 0; next < size;) {
    const at = pool + ((<usize>next) << 3);
    const key = load<u64>(at);
    if (key & 1) {
      next++;
      continue;
    }
    store<u64>(at, key | 1);
    const count = unseen(scratch, linksOf(graph, nodeOf(key), level), most);
    numDistances += count;
    distancesTo(graph, x, nodes, count, distances);
    let first = next + 1;
    for (let i: usize = 0; i < count; i++) {
      const found = keyOf(load<f32>(distances + (i << 2)), load<u32>(nodes + (i << 2)));
      if (size == ef && found > load<u64>(pool + ((<usize>(ef - 1)) << 3))) continue;
      first = min(first, insert(pool, size, ef, found));
      if (size < ef) size++;
    }
    next = first;
  }
  scratch.size = size;
  scratch.numDistances += numDistances;
}

/** Walks greedily from the entry down the levels above `level`. @returns the nearest node found */
export function descend(graph: LinkGraph, scratch: Scratch, x: usize, level: u32): u32 {
  let node = graph.entry;
  for (let above = graph.maxLevel; above > level; above--) {
    walk(graph, scratch, x, node, above, 1);
    node = nodeOf(load<u64>(scratch.pool));
  }
  return node;
}
