// Archives that unpack to far more than their size, and arrays whose header states more data than exists, are rejected
// with exit code 65, quickly and in little memory.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { temporaryFolder } from "../testing/embed.js";
import { readNpz, readTensors } from "./arrays.js";
import { TableCollector } from "./collector.js";
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
  const bomb = zipSync({ "key.npy": key, "value.npy": npy("<f4", "1, 20000000", Buffer.alloc(80_000_000)) });
  expect(bomb.length).toBeLessThan(1_000_000);
  await imports("bomb.npz", bomb, readNpz).toThrow(/unpacks to more than 67108864 bytes, from \d+/);
});

test("so is a gzipped file of tensors", async () => {
  await imports("bomb.safetensors.gz", gzipSync(Buffer.alloc(80_000_000)), readTensors).toThrow(
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
  await imports("line.txt.gz", gzipSync(line), readWordText).toThrow(
    "the line is longer than 16777216 bytes",
  );
  await imports("dim.bin", Buffer.from("1 4000000000\na "), readWordBinary).toThrow(
    "4000000000 numbers per row",
  );
});
