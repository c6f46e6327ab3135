// Reads and writes an index in the file format of hnswlib 0.8 (HierarchicalNSW::saveIndex), little-endian:
//
//   0    u64   offset of level 0 in an element: 0           40   u64   offset of the vector in an element
//   8    u64   capacity in elements                         48   i32   highest level
//   16   u64   n, number of elements                        52   u32   number of the element where searches begin
//   24   u64   size of an element in bytes                  56   u64   M    64   u64   links on level 0    72   u64   M
//   32   u64   offset of the label in an element            80   f64   1 / ln M               88   u64   efConstruction
//
//   96   n elements:   u16 number of links, u8 1 if deleted, u8 0; u32[2 M] links; f32[dim] vector; u64 label
//   ...  n lists:      u32 size in bytes; then for each level from 1 on: u32 number of links, u32[M] links
//
// A link is the number of an element. A file may come from another program, so every number in it is checked before
// use.

import { ArtifactError, sizeText } from "../../../base/errors.js";
import type { ReadHandle } from "../../../base/io/read-artifact.js";
import { allocateGraph, type GraphLayout, type Nearness } from "../../../compute/kernels/hnsw/binding.js";
import { Arena } from "../../../compute/kernels/shared/memory.js";
import { log } from "../../../base/numeric/exp.js";
import { linksOf, unsearched, MOST_LEVEL, type HnswGraph } from "./graph.js";

const HEADER = 96;
/** Maximum number of elements: hnswlib stores element numbers in 31 bits. */
const MOST_ELEMENTS = 2 ** 31 - 1;
/** Maximum number of links of an element on a level: hnswlib stores the number in 16 bits. */
const MOST_LINKS = 2 ** 16 - 1;
const CHUNK = 1 << 20;

function elementOf(dim: number, m0: number): { size: number; vectorAt: number; labelAt: number } {
  const vectorAt = 4 + 4 * m0;
  const labelAt = vectorAt + 4 * dim;
  return { size: labelAt + 8, vectorAt, labelAt };
}

/** Yields the bytes of the file in chunks of about a megabyte. */
export function* hnswChunks(graph: HnswGraph): Generator<Uint8Array> {
  const { arena, layout, labels } = graph;
  const { dim, stride, numNodes, m, m0, levels } = layout;
  const { size, vectorAt, labelAt } = elementOf(dim, m0);
  yield headerOf(graph, size);

  const together = Math.max(1, Math.floor(CHUNK / size));
  for (let first = 0; first < numNodes; first += together) {
    const last = Math.min(numNodes, first + together);
    // the size of an element in the file is a multiple of four bytes
    const words = new Uint32Array(((last - first) * size) / 4);
    const numbers = new Float32Array(words.buffer);
    const vectors = arena.f32(layout.vectors);
    for (let node = first, at = 0; node < last; node++, at += size / 4) {
      const links = linksOf(graph, node, 0);
      words[at] = links.length;
      words.set(links, at + 1);
      numbers.set(vectors.subarray(node * stride, node * stride + dim), at + vectorAt / 4);
      words[at + labelAt / 4] = labels[node]!;
    }
    yield new Uint8Array(words.buffer);
  }

  let parts: Uint32Array[] = [];
  let length = 0;
  for (let node = 0; node < numNodes; node++) {
    const level = levels[node]!;
    const list = new Uint32Array(1 + level * (m + 1));
    list[0] = level * (m + 1) * 4;
    for (let l = 1; l <= level; l++) {
      const links = linksOf(graph, node, l);
      const at = 1 + (l - 1) * (m + 1);
      list[at] = links.length;
      list.set(links, at + 1);
    }
    parts.push(list);
    length += list.byteLength;
    if (length < CHUNK && node + 1 < numNodes) continue;
    yield Buffer.concat(parts.map((part) => new Uint8Array(part.buffer)));
    [parts, length] = [[], 0];
  }
}

function headerOf({ layout, efConstruction }: HnswGraph, elementSize: number): Uint8Array {
  const { dim, numNodes, m, m0, levels, entry } = layout;
  const { vectorAt, labelAt } = elementOf(dim, m0);
  const view = new DataView(new ArrayBuffer(HEADER));
  const words = {
    8: numNodes,
    16: numNodes,
    24: elementSize,
    32: labelAt,
    40: vectorAt,
    56: m,
    64: m0,
    72: m,
  };
  for (const [at, value] of Object.entries({ ...words, 88: efConstruction }))
    view.setBigUint64(Number(at), BigInt(value), true);
  view.setInt32(48, levels[entry]!, true);
  view.setUint32(52, entry, true);
  view.setFloat64(80, 1 / log(m), true);
  return new Uint8Array(view.buffer);
}

interface ExpectedIndex {
  dim: number;
  nearness: Nearness;
  /** exclusive upper bound of the labels; each label occurs at most once */
  numLabels: number;
}

/** Reads an index with the expected properties. @throws {ArtifactError} damaged @throws {UsageError} it exceeds 4 GiB */
export async function readHnsw(
  file: ReadHandle,
  name: string,
  { dim, nearness, numLabels }: ExpectedIndex,
): Promise<HnswGraph> {
  const fail = (what: string): never => {
    throw new ArtifactError(
      `'${name}' is not a valid hnswlib index (${what}): build it again with embed index`,
    );
  };
  const { size: fileBytes } = await file.stat();
  if (fileBytes < HEADER) fail(`it has ${fileBytes} bytes, a header takes ${HEADER}`);
  const header = headerFields(await bytesAt(file, 0, HEADER, fail), fail);
  const { numNodes, m, m0, entry, maxLevel, efConstruction } = header;
  const { size, vectorAt, labelAt } = elementOf(dim, m0);
  if (header.size !== size || header.labelAt !== labelAt || header.vectorAt !== vectorAt)
    fail(
      `an element has ${header.size} bytes, its vector at ${header.vectorAt} and its label at ${header.labelAt}; with ${dim} numbers ` +
        `and ${m0} links these are ${size}, ${vectorAt} and ${labelAt}`,
    );
  const elementsEnd = HEADER + numNodes * size;
  if (elementsEnd + 4 * numNodes > fileBytes)
    fail(`its header promises ${numNodes} elements of ${size} bytes, and it has ${sizeText(fileBytes)}`);

  const listBytes = fileBytes - elementsEnd;
  if (listBytes % 4 !== 0 || listBytes > numNodes * (4 + MOST_LEVEL * 4 * (m + 1)) || listBytes > 2 ** 31)
    fail(`${listBytes} bytes follow its elements, too many for links on higher levels`);
  const lists = new Uint32Array((await bytesAt(file, elementsEnd, fileBytes, fail)).buffer);
  const levels = levelsOfLists(lists, numNodes, m, fail);
  if (levels[entry] !== maxLevel)
    fail(
      `searches begin at element ${entry} of level ${levels[entry]}, and the highest level is ${maxLevel}`,
    );
  const highest = levels.reduce((most, level) => Math.max(most, level), 0);
  if (highest !== maxLevel) fail(`an element has level ${highest}, the highest is said to be ${maxLevel}`);

  const arena = new Arena();
  const layout = allocateGraph(arena, { dim, nearness, m, m0, levels, entry });
  putLists(arena, layout, lists, fail);
  const labels = new Uint32Array(numNodes);
  const isTaken = new Uint8Array(numLabels);
  const together = Math.max(1, Math.floor(CHUNK / size));
  for (let first = 0; first < numNodes; first += together) {
    const last = Math.min(numNodes, first + together);
    const { buffer } = await bytesAt(file, HEADER + first * size, HEADER + last * size, fail);
    putElements(arena, layout, { buffer, first, last }, fail);
    const words = new Uint32Array(buffer);
    for (let node = first, at = labelAt / 4; node < last; node++, at += size / 4) {
      const label = words[at]!;
      if (words[at + 1] !== 0 || label >= numLabels)
        fail(`element ${node} has label ${words[at + 1]! * 2 ** 32 + label}, there are ${numLabels} rows`);
      if (isTaken[label]) fail(`label ${label} is there twice`);
      isTaken[label] = 1;
      labels[node] = label;
    }
  }
  return unsearched({ arena, layout, labels, efConstruction });
}

type Fail = (what: string) => never;

interface Header {
  numNodes: number;
  size: number;
  labelAt: number;
  vectorAt: number;
  maxLevel: number;
  entry: number;
  m: number;
  m0: number;
  efConstruction: number;
}

function headerFields({ buffer }: { buffer: ArrayBuffer }, fail: Fail): Header {
  const view = new DataView(buffer);
  const number = (at: number, what: string, least: number, most: number): number => {
    const value = view.getBigUint64(at, true);
    if (value < BigInt(least) || value > BigInt(most))
      fail(`${what}: expected ${least === most ? least : `${least} to ${most}`}, got ${value}`);
    return Number(value);
  };
  number(0, "the offset of level 0", 0, 0);
  const numNodes = number(16, "elements", 1, MOST_ELEMENTS);
  number(8, "room for elements", numNodes, Number.MAX_SAFE_INTEGER);
  const m = number(56, "links a level", 1, MOST_LINKS);
  number(72, "links of a new element", 1, MOST_LINKS);
  const header = {
    numNodes,
    size: number(24, "bytes of an element", 0, 2 ** 32),
    labelAt: number(32, "the offset of labels", 0, 2 ** 32),
    vectorAt: number(40, "the offset of vectors", 0, 2 ** 32),
    maxLevel: view.getInt32(48, true),
    entry: view.getUint32(52, true),
    m,
    m0: number(64, "links on level 0", 1, MOST_LINKS),
    efConstruction: number(88, "efConstruction", 1, Number.MAX_SAFE_INTEGER),
  };
  const { maxLevel, entry } = header;
  if (!(maxLevel >= 0 && maxLevel <= MOST_LEVEL))
    fail(`the highest level: expected 0 to ${MOST_LEVEL}, got ${maxLevel}`);
  if (entry >= numNodes) fail(`searches begin at element ${entry} of ${numNodes}`);
  return header;
}

/** Returns u8[n]: the level of each element, which follows from the length of its link list. */
function levelsOfLists(lists: Uint32Array, numNodes: number, m: number, fail: Fail): Uint8Array {
  const levels = new Uint8Array(numNodes);
  const ofLevel = 4 * (m + 1);
  let at = 0;
  for (let node = 0; node < numNodes; node++) {
    if (at >= lists.length) fail(`it ends before the list of element ${node}`);
    const bytes = lists[at]!;
    const level = bytes / ofLevel;
    if (!Number.isInteger(level) || level > MOST_LEVEL)
      fail(`the list of element ${node} has ${bytes} bytes, a level takes ${ofLevel}`);
    levels[node] = level;
    at += 1 + bytes / 4;
  }
  if (at !== lists.length) fail(`its lists have ${4 * at} bytes, and ${4 * lists.length} are there`);
  return levels;
}

function putLists(arena: Arena, layout: GraphLayout, lists: Uint32Array, fail: Fail): void {
  const { levels, numNodes, m, upperLinks, upperRows } = layout;
  const target = arena.u32(upperLinks);
  let at = 0;
  for (let node = 0; node < numNodes; node++) {
    at++;
    for (let level = 1; level <= levels[node]!; level++, at += m + 1) {
      const count = lists[at]!;
      if (count > m) fail(`element ${node} has ${count} links on level ${level}, ${m} at most`);
      const links = lists.subarray(at + 1, at + 1 + count);
      // a search on this level follows the links of the linked element, so that element must be on the level, too
      const stray = links.find((link) => link >= numNodes || levels[link]! < level);
      if (stray !== undefined) fail(`element ${node} is linked to ${stray} on level ${level}`);
      target.set(links, (upperRows[node]! + level - 1) * m);
    }
  }
}

function putElements(
  arena: Arena,
  layout: GraphLayout,
  { buffer, first, last }: { buffer: ArrayBuffer; first: number; last: number },
  fail: Fail,
): void {
  const { dim, stride, numNodes, m0 } = layout;
  const { size, vectorAt } = elementOf(dim, m0);
  const [words, numbers] = [new Uint32Array(buffer), new Float32Array(buffer)];
  const [links, vectors] = [arena.u32(layout.links), arena.f32(layout.vectors)];
  for (let node = first, at = 0; node < last; node++, at += size / 4) {
    const head = words[at]!;
    const count = head & 0xffff;
    if (head > 0xffff) fail(`element ${node} is deleted`);
    if (count > m0) fail(`element ${node} has ${count} links, ${m0} at most`);
    for (let i = 1; i <= count; i++) {
      const link = words[at + i]!;
      if (link >= numNodes) fail(`element ${node} is linked to ${link} of ${numNodes}`);
      links[node * m0 + i - 1] = link;
    }
    for (let d = 0; d < dim; d++) {
      const value = numbers[at + vectorAt / 4 + d]!;
      if (!Number.isFinite(value)) fail(`the vector of element ${node} holds ${value}`);
      vectors[node * stride + d] = value;
    }
  }
}

async function bytesAt(
  file: ReadHandle,
  start: number,
  end: number,
  fail: Fail,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(64 << 20, bytes.length - at), start + at);
    if (bytesRead === 0) fail(`it ends at byte ${start + at}`);
    at += bytesRead;
  }
  return bytes;
}
