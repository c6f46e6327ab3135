// Expects that an index is read as it was written, and that a damaged or foreign file is rejected or does no harm.

import { encodeKeys } from "../../../log/keys.js";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbedError } from "../../../base/errors.js";
import { withArtifact } from "../../../base/io/read-artifact.js";
import { NO_ITEM } from "../../../compute/kernels/top-items/binding.js";
import { integerBelow, mulberry32, pick } from "../../../testing/random.js";
import { buildHnsw } from "./build.js";
import { hnswChunks, readHnsw } from "./file.js";
import { levelsOf, type HnswGraph } from "./graph.js";
import { searchGraph } from "./search.js";

const folder = mkdtempSync(join(tmpdir(), "hnsw-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [NODES, DIM, M] = [300, 6, 4];
const SIZE = 4 + 8 * M + 4 * DIM + 8;
/** Byte offset of the link lists of the levels above 0. */
const LISTS = 96 + NODES * SIZE;
const vectors = Float32Array.from({ length: NODES * DIM }, numbersOf(1));
const queries = Float32Array.from({ length: 5 * DIM }, numbersOf(2));
const labels = Uint32Array.from({ length: NODES }, (_, node) => 2 * node);
let graph: HnswGraph;
let bytes: Buffer;

function numbersOf(seed: number): () => number {
  const random = mulberry32(seed);
  return () => random() - 0.5;
}

async function read(content: Uint8Array, numLabels = 2 * NODES): Promise<HnswGraph> {
  const path = join(folder, "index.hnsw");
  writeFileSync(path, content);
  return await withArtifact(path, (file) => readHnsw(file, path, { dim: DIM, nearness: "l2", numLabels }));
}

const search = async (of: HnswGraph) => {
  const { items, scores } = await searchGraph(of, queries, { top: 7, ef: 20, threads: 1 });
  return { items, scores };
};

beforeAll(async () => {
  const keys = encodeKeys(Array.from({ length: NODES }, (_, node) => `key-${node}`));
  const rows = Uint32Array.from({ length: NODES }, (_, node) => node);
  const input = { dim: DIM, nearness: "l2", vectors, labels, ...levelsOf(keys, rows, M, 1) } as const;
  graph = await buildHnsw(input, { m: M, efConstruction: 20, threads: 1 });
  bytes = Buffer.concat([...hnswChunks(graph)]);
});

test("what is written is read back: the same bytes, and the same lists", async () => {
  const again = await read(bytes);
  expect(Buffer.concat([...hnswChunks(again)]).equals(bytes)).toBe(true);
  expect(await search(again)).toEqual(await search(graph));
  expect(LISTS).toBeLessThan(bytes.length);
});

/** Returns a copy of the file with the four or eight bytes at an offset overwritten by a number. */
function crafted(at: number, value: number | bigint): Buffer {
  const copy = Buffer.from(bytes);
  if (typeof value === "bigint") copy.writeBigUInt64LE(value, at);
  else copy.writeUInt32LE(value, at);
  return copy;
}

test.each<[string, () => Buffer, string]>([
  ["of no byte", () => Buffer.alloc(0), "it has 0 bytes, a header takes 96"],
  ["that is cut", () => bytes.subarray(0, LISTS - 8), "promises 300 elements"],
  ["that is cut in its lists", () => bytes.subarray(0, bytes.length - 4), "it ends before|lists have"],
  ["with more behind", () => Buffer.concat([bytes, Buffer.alloc(4)]), "its lists have"],
  ["whose level 0 begins elsewhere", () => crafted(0, 4n), "the offset of level 0: expected 0, got 4"],
  ["of more elements than bytes", () => crafted(16, 301n), "room for elements|promises 301"],
  ["of 2^60 elements", () => crafted(16, 2n ** 60n), "elements: expected 1 to"],
  ["of no element", () => crafted(16, 0n), "elements: expected 1 to"],
  ["of larger elements", () => crafted(24, 2n ** 40n), "bytes of an element: expected"],
  ["of other dimensions", () => crafted(24, BigInt(SIZE + 4)), `an element has ${SIZE + 4} bytes`],
  ["whose labels lie elsewhere", () => crafted(32, 0n), "its label at 0"],
  [
    "whose highest level is negative",
    () => crafted(48, 0xffffffff),
    "the highest level: expected 0 to 31, got -1",
  ],
  ["whose highest level nobody has", () => crafted(48, 9), "the highest level is 9"],
  ["that begins beyond its elements", () => crafted(52, NODES), "searches begin at element 300 of 300"],
  ["of no links", () => crafted(56, 0n), "links a level: expected 1"],
  ["of other links on level 0", () => crafted(64, 2n ** 16n), "links on level 0: expected 1"],
  ["whose element has too many links", () => crafted(96, 2 * M + 1), "element 0 has 9 links, 8 at most"],
  ["with a deleted element", () => crafted(96, 0x10001), "element 0 is deleted"],
  ["with a link beyond its elements", () => crafted(100, NODES), "element 0 is linked to 300 of 300"],
  [
    "with a number that is not finite",
    () => crafted(100 + 8 * M, 0x7fc00000),
    "the vector of element 0 holds NaN",
  ],
  [
    "with a label beyond the rows",
    () => crafted(96 + SIZE - 8, 600),
    "element 0 has label 600, there are 600 rows",
  ],
  ["with a label of 64 bits", () => crafted(96 + SIZE - 4, 1), "element 0 has label 4294967296"],
  ["with a label twice", () => crafted(96 + SIZE - 8, 2), "label 2 is there twice"],
  ["with a list of part of a level", () => crafted(LISTS, 8), "the list of element 0 has 8 bytes"],
  ["with a list of 2^32 bytes", () => crafted(LISTS, 0xfffffffc), "the list of element 0 has"],
])("a file %s is an ArtifactError that says so", async (_, make, why) => {
  await expect(read(make())).rejects.toMatchObject({ exitCode: 82, message: expect.stringMatching(why) });
});

test("a link to an element that is not on that level is an ArtifactError", async () => {
  const { levels } = graph.layout;
  const lowest = levels.indexOf(0);
  const above = levels.findIndex((level) => level > 0);
  const at = LISTS + 4 * levels.subarray(0, above).reduce((sum, level) => sum + 1 + level * (M + 1), 0);
  expect(bytes.readUInt32LE(at)).toBeGreaterThan(0);
  await expect(read(crafted(at + 8, lowest))).rejects.toThrow(`is linked to ${lowest} on level 1`);
});

test("whatever bytes change, reading ends with one of our errors, or a search of what is read ends", async () => {
  const random = mulberry32(11);
  const hostile = [0, 1, 2, 255, NODES - 1, NODES, 0xffff, 0x10000, 2 ** 31, 2 ** 32 - 1];
  let numRefused = 0;
  for (let trial = 0; trial < 200; trial++) {
    let copy = Buffer.from(bytes);
    // half of the overwritten numbers are in the header, which is a small part of the file
    for (let n = 1 + integerBelow(3, random); n > 0; n--) {
      const words = random() < 0.5 ? 24 : copy.length >> 2;
      copy.writeUInt32LE(pick(hostile, random), integerBelow(words, random) * 4);
    }
    if (random() < 0.1) copy = copy.subarray(0, integerBelow(copy.length, random));
    try {
      const again = await read(copy);
      // only every eighth file is searched, because starting the threads takes longer than the rest of the trial
      if (trial % 8 !== 0) continue;
      const { items } = await search(again);
      expect([...items].every((item) => item === NO_ITEM || item < 2 * NODES)).toBe(true);
    } catch (error) {
      if (!(error instanceof EmbedError)) throw error;
      numRefused++;
    }
  }
  expect(numRefused).toBeGreaterThan(100);
}, 120_000);
