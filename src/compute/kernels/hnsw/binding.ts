import type { Arena, Region } from "../shared/memory.js";
import {
  allocateStruct,
  putStruct,
  setField,
  takeField,
  writeStruct,
  type FieldsOf,
} from "../shared/struct.js";
import { LinkGraph, NONE, Scratch, HnswSearch } from "./layout.js";

export { NONE as NO_NODE };
export type { Kernel as HnswKernel } from "./layout.js";

/** Maximum number of links of a node on a level above 0, in graphs that `embed` builds itself. */
export const MOST_LINKS = 100;
/** Maximum ef if masks leave a search too few nodes; if it is not enough, the query is compared with every node. */
export const WIDEST = 4096;
/** A batch adds at most one node for this many nodes in the graph. */
const NODES_A_BATCHED = 50;

export type Nearness = "dot" | "l2";

/** Dimensions, measure and levels of a graph, without its links. */
export interface GraphShape {
  dim: number;
  nearness: Nearness;
  /** maximum number of links of a node on a level above 0 (m) and on level 0 (m0) */
  m: number;
  m0: number;
  /** u8[n]: highest level of each node */
  levels: Uint8Array;
  /** node at which searches begin; it is on the highest level */
  entry: number;
}

/** Addresses of the graph's arrays in the arena. */
export interface GraphLayout extends GraphShape {
  graph: number;
  numNodes: number;
  stride: number;
  /** f32[n][stride]: vectors, padded with zeros */
  vectors: Region;
  /** u32[n][m0]: links on level 0; NO_NODE ends a row */
  links: Region;
  /** u32[n]: index of the row with a node's links on level 1; the rows of its higher levels follow */
  upperRows: Uint32Array;
  numUpperRows: number;
  /** u32[numUpperRows][m]: links on levels above 0 */
  upperLinks: Region;
}

/** Allocates a graph without links whose vectors are zero. @throws {UsageError} it does not fit in 4 GiB */
export function allocateGraph(arena: Arena, shape: GraphShape): GraphLayout {
  const { dim, nearness, m, m0, levels, entry } = shape;
  const numNodes = levels.length;
  const stride = Math.ceil(dim / 4) * 4;
  const upperRows = new Uint32Array(numNodes);
  let numUpperRows = 0;
  levels.forEach((level, node) => {
    upperRows[node] = numUpperRows;
    numUpperRows += level;
  });
  const vectors = arena.allocate("the vectors of the index", numNodes * stride * 4);
  const links = arena.allocate("the links of the index", numNodes * m0 * 4);
  const upperLinks = arena.allocate("the links of the index", numUpperRows * m * 4);
  arena.u32(links).fill(NONE);
  arena.u32(upperLinks).fill(NONE);
  const levelsAt = arena.allocate("the levels of the index", Math.ceil(numNodes / 4) * 4);
  new Uint8Array(arena.memory.buffer, levelsAt.offset, numNodes).set(levels);
  const graph = writeStruct(arena, "an index", LinkGraph, {
    dim: stride,
    numNodes,
    isL2: nearness === "l2",
    ...{ m, m0, entry },
    maxLevel: levels[entry]!,
    vectors,
    levels: levelsAt,
    links,
    upperRows: arena.put("the levels of the index", upperRows),
    upperLinks,
    ...{ efConstruction: 0, order: 0, distances: 0, upperDistances: 0, checked: 0, upperChecked: 0 },
  });
  return { ...shape, graph, numNodes, stride, vectors, links, upperRows, numUpperRows, upperLinks };
}

/**
 * Allocates the arrays that are needed to build the graph.
 *
 * @param order u32[n]: nodes in the order in which they are added, beginning with the node at which searches begin;
 *   nodes of higher levels come before those of lower levels
 */
export function allocateBuild(
  arena: Arena,
  { graph, numNodes, numUpperRows, m, m0 }: GraphLayout,
  { order, efConstruction }: { order: Uint32Array; efConstruction: number },
): void {
  const room = (what: string, bytes: number) => arena.allocate(what, bytes).offset;
  const fields = {
    efConstruction,
    order: arena.put("the order of the index", order),
    distances: room("the links' distances", numNodes * m0 * 4),
    upperDistances: room("the links' distances", numUpperRows * m * 4),
    checked: room("checked links", numNodes),
    upperChecked: room("checked links", numUpperRows),
  };
  for (const [name, value] of Object.entries(fields))
    setField(arena, LinkGraph, graph, name as keyof typeof fields, value);
}

/** Returns the end of each batch of nodes. The first node is in the graph before the first batch. */
export function batchEnds(numNodes: number): Uint32Array {
  const ends: number[] = [];
  for (let end = 1; end < numNodes;) {
    end = Math.min(numNodes, end + Math.max(1, Math.floor(end / NODES_A_BATCHED)));
    ends.push(end);
  }
  return Uint32Array.from(ends);
}

/** Allocates the buffers of one thread. @param mostEf maximum size of its candidate lists */
export function allocateScratch(
  arena: Arena,
  { numNodes, m, m0 }: Pick<GraphLayout, "numNodes" | "m" | "m0">,
  mostEf: number,
): number {
  const most = Math.max(m, m0) + 4;
  const room = (bytes: number) => arena.allocate("what a search remembers", bytes).offset;
  return writeStruct(arena, "a search", Scratch, {
    marks: room(numNodes),
    epoch: 0,
    pool: room(mostEf * 8),
    size: 0,
    nodes: room(most * 4),
    distances: room(most * 4),
    candidates: room(most * 8),
    kept: room(most * 4),
    fresh: room(most * 4),
    numDistances: 0,
  });
}

/** Returns the number of distances that a thread has computed since the last call. */
export function takeDistances(memory: { memory: { buffer: ArrayBufferLike } }, scratch: number): number {
  return takeField(memory, Scratch, scratch, "numDistances");
}

/** Allocates a HnswSearch struct, which `putSearch` fills. */
export function allocateSearch(arena: Arena): number {
  return allocateStruct(arena, "a search", HnswSearch);
}

/** Writes the fields of a HnswSearch struct. */
export function putSearch(arena: Arena, search: number, fields: FieldsOf<typeof HnswSearch>): void {
  putStruct(arena, HnswSearch, search, fields);
}
