// Archives that unpack to far more than their size, and arrays whose header states more data than exists, are rejected
// with exit code 65, quickly and in little memory.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { temporaryFolder } from "../../testing/embed.js";
import { safetensorsChunks, type Tensor } from "../safetensors.js";
import { encodeKeys, keyAt } from "../../log/keys.js";
import { readNpy, readNpz, readTensors } from "./arrays.js";
import { TableCollector } from "./collector.js";
import { wholeBytes } from "./whole-file.js";
import { readWordBinary, readWordText } from "./word-vectors.js";

const folder = temporaryFolder();

function npy(descr: string, shape: string, data: Uint8Array): Uint8Array {
  const header = Buffer.from(`{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }\n`);
  const size = Buffer.alloc(2);
  size.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), size, header, data]);
}

function imports(name: string, bytes: Uint8Array, read: typeof readNpz) {
  writeFileSync(join(folder, name), bytes);
  return expect(read(join(folder, name), new TableCollector({ field: "item" }))).rejects;
}

const key = npy("<U1", "1,", Buffer.from("a\0\0\0"));

test("an npz file that unpacks to a thousand times its size is refused before it is unpacked", async () => {
  const value = npy("<f4", "1, 20000000", Buffer.alloc(80_000_000));
  // zlib deflates faster than fflate: the archive stores what it deflated, and its two headers are set accordingly
  const bomb = Buffer.from(
    zipSync({ "key.npy": key, "value.npy": deflateRawSync(value, { level: 1 }) }, { level: 0 }),
  );
  for (const [name, method, size] of [
    [bomb.indexOf("value.npy"), -22, -8],
    [bomb.lastIndexOf("value.npy"), -36, -22],
  ] as const) {
    bomb.writeUInt16LE(8, name + method);
    bomb.writeUInt32LE(value.length, name + size);
  }
  expect(bomb.length).toBeLessThan(1_000_000);
  await imports("bomb.npz", bomb, readNpz).toThrow(/unpacks to more than 67108864 bytes, from \d+/);
});

test("so is a gzipped file of tensors", async () => {
  await imports("bomb.safetensors.gz", gzipSync(Buffer.alloc(80_000_000), { level: 1 }), readTensors).toThrow(
    /unpacks to more than/,
  );
});

test.each([
  ["more rows than there are", "5000000000,", "<f4", "5000000000, 1"],
  ["sizes below 0", "-1,", "<f4", "-1, 2"],
  ["sizes that are no numbers", "x,", "<f4", "x, 2"],
])("an array of %s is refused", async (_, keys, descr, values) => {
  const file = zipSync({
    "key.npy": npy("<U1", keys, Buffer.alloc(4)),
    "value.npy": npy(descr, values, Buffer.alloc(8)),
  });
  await imports("sizes.npz", file, readNpz).toMatchObject({ exitCode: 65 });
});

test("word vectors of a line without end, or of more numbers than a vector has, are refused", async () => {
  const line = Buffer.concat([Buffer.from("a 1"), Buffer.alloc(20 << 20, " 1")]);
  await imports("line.txt.gz", gzipSync(line, { level: 1 }), readWordText).toThrow(
    "the line is longer than 16777216 bytes",
  );
  await imports("dim.bin", Buffer.from("1 4000000000\na "), readWordBinary).toThrow(
    "4000000000 numbers per row",
  );
});

test("an archive that is read as a whole is refused above the limit, before it is read, with another way", async () => {
  const { most } = wholeBytes;
  try {
    wholeBytes.most = 100;
    await imports("large.npz", Buffer.alloc(101), readNpz).toMatchObject({
      exitCode: 64,
      message: expect.stringContaining("--format npy") as string,
    });
  } finally {
    wholeBytes.most = most;
  }
});

test("a safetensors header that claims to be larger than its file is refused", async () => {
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(1n << 60n);
  await imports("head.safetensors", head, readTensors).toMatchObject({ exitCode: 65 });
});

test.each([
  ["more rows than there are", "(5000000000, 4)", 65, "the file whole"],
  ["too many dimensions", "(1, 5000000000)", 65, "at most 65536"],
  ["one dimension", "(4,)", 65, "expected [rows, dim]"],
])("a directory whose array has %s is refused", async (_, shape, exitCode, said) => {
  const path = join(folder, `npy-${shape.length}`);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "vectors.npy"), npy("<f4", shape.slice(1, -1), Buffer.alloc(16)));
  writeFileSync(join(path, "keys.txt"), '"a"\n');
  await expect(readNpy(path, new TableCollector({ field: "item" }))).rejects.toMatchObject({
    exitCode,
    message: expect.stringContaining(said) as string,
  });
});

test("rows of several blocks come back in order, from a directory and from safetensors", async () => {
  const [numRows, dim] = [3000, 256];
  const values = Float32Array.from({ length: numRows * dim }, (_, i) => i % 1009);
  const valueBytes = new Uint8Array(values.buffer);
  const path = join(folder, "blocks");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "vectors.npy"), npy("<f4", `${numRows}, ${dim}`, valueBytes));
  const keys = Array.from({ length: numRows }, (_, r) => `k${r}`);
  writeFileSync(join(path, "keys.txt"), keys.map((text) => `${JSON.stringify(text)}\n`).join(""));
  const { bytes, offsets } = encodeKeys(keys);
  const tensors = new Map<string, Tensor>([
    ["vectors", { shape: [numRows, dim], data: values }],
    ["keys", { shape: [bytes.length], data: bytes }],
    ["keyOffsets", { shape: [numRows + 1], data: BigInt64Array.from(offsets, BigInt) }],
  ]);
  writeFileSync(join(folder, "blocks.safetensors"), Buffer.concat(safetensorsChunks(tensors)));
  for (const [read, from] of [
    [readNpy, path],
    [readTensors, join(folder, "blocks.safetensors")],
  ] as const) {
    const rows = new TableCollector({ field: "item", beside: join(folder, "out") });
    await read(from, rows);
    const { table, vectorsOf } = rows.finish(from);
    expect(Array.from({ length: numRows }, (_, r) => keyAt(table.keys, r))).toEqual(keys);
    const vectors = vectorsOf({ first: 0, last: numRows });
    expect(vectors).toBeInstanceOf(Float32Array);
    expect(Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength).equals(valueBytes)).toBe(true);
  }
});
