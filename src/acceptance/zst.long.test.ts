// Logs ending in .zst are read if this Node version has zstd; otherwise a message says what to do.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as zlib from "node:zlib";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const { zstdCompressSync: compress } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer };

const title = compress ? "" : ` (skipped: this is ${process.version}, zstd needs Node 22.15)`;
const withZstd = compress ? test : test.skip;
const train = ["--epochs", "1", "--quiet"];
const table = (run: string): Buffer => readFileSync(join(at(run), "embeddings.arrow"));

withZstd(`a .zst log gives what the plain log gives, also of several frames${title}`, async () => {
  const plain = readFileSync(fixture("clicks.csv"));
  const half = plain.length >> 1;
  const frames = [plain.subarray(0, half), plain.subarray(half)].map((part) => compress!(part));
  writeFileSync(at("one.csv.zst"), compress!(plain));
  writeFileSync(at("two.csv.zst"), Buffer.concat(frames));
  await embedOk(["train-fm", fixture("clicks.csv"), "-o", at("plain"), ...train]);
  await embedOk(["train-fm", at("one.csv.zst"), "-o", at("one"), ...train]);
  await embedOk(["train-fm", at("two.csv.zst"), "-o", at("two"), ...train]);
  expect(table("one").equals(table("plain"))).toBe(true);
  expect(table("two").equals(table("plain"))).toBe(true);
});

withZstd(`a .zst log that is cut short or is none is an error 65 that says so${title}`, async () => {
  const bytes = compress!(readFileSync(fixture("clicks.csv")));
  writeFileSync(at("short.csv.zst"), bytes.subarray(0, bytes.length - 20));
  writeFileSync(at("none.csv.zst"), readFileSync(fixture("clicks.csv")));
  for (const name of ["short.csv.zst", "none.csv.zst"]) {
    const { code, stderr } = await embed(["inspect", at(name)]);
    expect([code, stderr]).toEqual([
      65,
      expect.stringMatching(/the compressed data is damaged or truncated \(/),
    ]);
  }
});

const withoutZstd = compress ? test.skip : test;
withoutZstd("without zstd the message names the Node that has it, and .gz", async () => {
  writeFileSync(at("log.csv.zst"), "");
  const { code, stderr } = await embed(["inspect", at("log.csv.zst")]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(/22\.15.*\.gz/)]);
});
