import { UsageError } from "../../../base/errors.js";
import { putAlias } from "../../../base/numeric/alias.js";
import type { Arena, Region } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import { NONE, Plan } from "./layout.js";

export { NONE as NO_NODE };
export type { Kernel as WalksKernel } from "./layout.js";

/** Approximate number of nodes in a chunk of walks; a token stream of this length takes 6 MB. */
const CHUNK = 2 ** 20;
/** Walks per call; few, because the engine replaces unoptimized code only between calls. */
export const WALKS_OF_CALL = 256;

/** A graph in compressed sparse rows; an undirected edge is stored in both directions. */
export interface WalkGraph {
  numNodes: number;
  /** u32[numNodes + 1]: arcs of node v are [offsets[v], offsets[v + 1]) */
  offsets: Uint32Array;
  /** u32[numArcs]: target of each arc, ascending within a node */
  neighbors: Uint32Array;
  /** f32[numArcs]: weight of each arc, above 0; absent when all are 1 */
  weights?: Float32Array;
  directed: boolean;
}

export interface WalksShape {
  graph: WalkGraph;
  /** nodes per walk, at least 2 */
  length: number;
  /**
   * `nodes`: walks from every node with an arc, in random order; `arcs`: walks whose starts are sampled by the sum of
   * the weights of their arcs, so that walks of two nodes are arcs sampled by weight
   */
  starts: { nodes: number } | { arcs: number };
  /** node2vec's return and in-out parameters, 1e-9 to 1e9; if both are 1, walks are of first order */
  p: number;
  q: number;
  /** nodes before and after a centre that are its contexts, at most 255 */
  before: number;
  after: number;
}

export interface WalksLayout {
  plan: number;
  /** walks per epoch, and per chunk except the last */
  numWalks: number;
  chunkWalks: number;
}

/** Arrays of a skip-gram kernel's stream, to which walks are written. */
export interface WalkTarget {
  tokens: Region;
  left: Region;
  right: Region;
}

/** Returns what a step of a walk is sampled by (assembly/plan.ts). */
export function stepRules({ p, q }: Pick<WalksShape, "p" | "q">) {
  const [returnAlpha, farAlpha] = [1 / p, 1 / q];
  const most = Math.max(1, farAlpha);
  const accepted = (alpha: number) => Math.max(0, Math.ceil(2 ** 32 * Math.min(1, alpha / most)) - 1);
  return {
    secondOrder: p !== 1 || q !== 1,
    ...{ returnAlpha, farAlpha, most },
    folded: Math.max(0, returnAlpha - most),
    returnMost: accepted(returnAlpha),
    nearMost: accepted(1),
    farMost: accepted(farAlpha),
  };
}

/** Returns the nodes that have an arc, ascending. */
export function startNodes({ numNodes, offsets }: WalkGraph): Uint32Array {
  let count = 0;
  const starts = new Uint32Array(numNodes);
  for (let v = 0; v < numNodes; v++) if (offsets[v + 1]! > offsets[v]!) starts[count++] = v;
  return starts.slice(0, count);
}

/** Returns the number of walks per chunk, which does not depend on the number of threads. */
export function walksOfChunk({ length }: Pick<WalksShape, "length">): number {
  return Math.max(1, Math.floor(CHUNK / length));
}

/** Returns f64[numNodes]: sum of the weights of each node's arcs. */
export function weightSums({ numNodes, offsets, weights }: WalkGraph): Float64Array {
  const sums = new Float64Array(numNodes);
  for (let v = 0; v < numNodes; v++) {
    if (!weights) sums[v] = offsets[v + 1]! - offsets[v]!;
    else for (let arc = offsets[v]!; arc < offsets[v + 1]!; arc++) sums[v]! += weights[arc]!;
  }
  return sums;
}

/** Returns whether any node has arcs of different weights. */
function differs({ numNodes, offsets, weights }: WalkGraph): boolean {
  if (!weights) return false;
  for (let v = 0; v < numNodes; v++)
    for (let arc = offsets[v]! + 1; arc < offsets[v + 1]!; arc++)
      if (weights[arc] !== weights[arc - 1]) return true;
  return false;
}

/**
 * Writes the alias tables of all nodes; an entry refers to a node.
 * @param tables u32[numArcs][2]: threshold and other neighbor
 */
export function putArcTables(
  { numNodes, offsets, neighbors, weights }: WalkGraph,
  sums: Float64Array,
  tables: Uint32Array,
): void {
  let room = new Uint32Array(64);
  let shares = new Float64Array(64);
  for (let v = 0; v < numNodes; v++) {
    const from = offsets[v]!;
    const degree = offsets[v + 1]! - from;
    if (degree > room.length) [room, shares] = [new Uint32Array(2 * degree), new Float64Array(2 * degree)];
    for (let i = 0; i < degree; i++) shares[i] = (weights![from + i]! * degree) / sums[v]!;
    putAlias(shares.subarray(0, degree), tables.subarray(2 * from, 2 * (from + degree)), room);
    for (let arc = from; arc < from + degree; arc++)
      tables[2 * arc + 1] = neighbors[from + tables[2 * arc + 1]!]!;
  }
}

/**
 * Returns the alias table of the starts by the sums of their arcs' weights, u32[starts][2]: threshold and other
 * position.
 */
export function startTable(starts: Uint32Array, sums: Float64Array): Uint32Array {
  const shares = Float64Array.from(starts, (v) => sums[v]!);
  const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
  const table = new Uint32Array(2 * starts.length);
  putAlias(
    shares.map((share) => share / mean),
    table,
    new Uint32Array(starts.length),
  );
  return table;
}

/**
 * @throws {UsageError} too many walks
 * @throws {RangeError} an option or the graph is invalid
 */
function check({ graph, length, starts, p, q, before, after }: WalksShape, numWalks: number): void {
  const { numNodes, offsets, neighbors, weights } = graph;
  const numArcs = neighbors.length;
  if (offsets.length !== numNodes + 1 || offsets[numNodes] !== numArcs)
    throw new RangeError(`${offsets.length} offsets of ${numNodes} nodes end at ${offsets[numNodes]}`);
  if (weights && weights.length !== numArcs)
    throw new RangeError(`${weights.length} weights of ${numArcs} arcs`);
  if (!(length >= 2)) throw new RangeError(`a walk of ${length} nodes`);
  if (![p, q].every((x) => x >= 1e-9 && x <= 1e9)) throw new RangeError(`p is ${p} and q is ${q}`);
  if (!(Math.max(before, after) <= 255 && Math.min(before, after) >= 0))
    throw new RangeError(`a centre looks ${before} back and ${after} ahead`);
  if (!(numWalks >= 1)) throw new RangeError(`${numWalks} walks of ${JSON.stringify(starts)}`);
  if (numWalks >= NONE)
    throw new UsageError(
      `${numWalks} walks an epoch are more than ${NONE - 1}: a smaller --num-walks makes fewer, and more --epochs make up for it`,
    );
  // node numbers are checked here, because the kernel does not check them
  for (let v = 0; v < numNodes; v++) {
    for (let arc = offsets[v]!; arc < offsets[v + 1]!; arc++) {
      if (neighbors[arc]! >= numNodes || (arc > offsets[v]! && neighbors[arc - 1]! >= neighbors[arc]!))
        throw new RangeError(`arc ${arc} of node ${v} leads to ${neighbors[arc]}, out of range or order`);
      if (weights && !(weights[arc]! > 0 && weights[arc]! < Infinity))
        throw new RangeError(`arc ${arc} of node ${v} weighs ${weights[arc]}`);
    }
  }
}

/**
 * Copies a graph into the arena; arrays that only weighted or second-order walks read are omitted for other walks.
 *
 * Bytes per arc: 4; 8 more if weights of a node's arcs differ, and then 4 more for second order.
 *
 * @throws {UsageError} it does not fit, or there are too many walks
 * @throws {RangeError} no node has an arc, or a number is out of range
 */
export function allocateWalks(arena: Arena, shape: WalksShape, target: WalkTarget): WalksLayout {
  const { graph, starts: from, length, before, after } = shape;
  const { offsets, neighbors, weights, directed } = graph;
  const starts = startNodes(graph);
  const numWalks = "nodes" in from ? from.nodes * starts.length : from.arcs;
  if (starts.length === 0) throw new RangeError("no node has an arc");
  check(shape, numWalks);
  const sums = weightSums(graph);
  const rules = stepRules(shape);
  const weighted = differs(graph);
  const alias = weighted ? arena.allocate("alias tables of a graph", neighbors.length * 8) : undefined;
  if (alias) putArcTables(graph, sums, arena.u32(alias));
  const sumsRead = weighted && rules.secondOrder;
  const sumsAt = sumsRead ? arena.allocate("weights of a graph", sums.byteLength) : undefined;
  if (sumsAt) arena.f64(sumsAt).set(sums);
  const plan = writeStruct(arena, "a plan of walks", Plan, {
    offsets: arena.put("a graph", offsets),
    neighbors: arena.put(`${neighbors.length} arcs of a graph`, neighbors),
    alias,
    weights: sumsRead ? arena.put("weights of a graph", weights) : 0,
    sums: sumsAt,
    directed,
    starts: arena.put("nodes of a graph", starts),
    numStarts: starts.length,
    startAlias: "arcs" in from ? arena.put("nodes of a graph", startTable(starts, sums)) : 0,
    ...{ numWalks, length, before, after, ...rules },
    ...{ tokens: target.tokens.offset, left: target.left.offset, right: target.right.offset },
  });
  return { plan, numWalks, chunkWalks: walksOfChunk(shape) };
}
