// Tests that hostile or damaged files are rejected with a clear error, quickly and in little memory.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { temporaryFolder } from "../testing/embed.js";
import { defaultReadOptions } from "./log.js";
import { openLog } from "./open.js";

const folder = temporaryFolder();

function refuses(name: string, content: string | Uint8Array) {
  writeFileSync(join(folder, name), content);
  const read = async () => {
    const log = await openLog([join(folder, name)], { ...defaultReadOptions, threads: 1 });
    await log.read(
      log.columns.map((column) => ({ name: column, as: "key" as const })),
      () => undefined,
    );
  };
  return expect(read()).rejects;
}

/** A file with 40 MB of cells that takes 200 kB on disk. */
const endless = (start: string) =>
  gzipSync(Buffer.concat([Buffer.from(start), Buffer.alloc(40 << 20, "a,")]), { level: 1 });

describe("a log is refused", () => {
  test.each([
    ["header.csv.gz", "", ":1: the first line is longer than 16777216 bytes"],
    ["row.csv.gz", "click,item\n1,", ":2: the row is longer than 16777216 bytes"],
    ["line.jsonl.gz", '{"item":"a"}\n{"item":"', ":2: the line is longer than 16777216 bytes"],
    ["line.ffm.gz", "1 0:1:1\n1 0:", ":2: the line is longer than 16777216 bytes"],
  ])("whose line does not end: %s", async (name, start, message) => {
    await refuses(name, endless(start)).toThrow(message);
  });

  test.each([
    ["fields.ffm", `1 ${Array.from({ length: 20_000 }, (_, f) => `${f}:1:1`).join(" ")}\n`],
    ["columns.csv", `${Array.from({ length: 20_000 }, (_, c) => `c${c}`).join(",")}\n1\n`],
    ["keys.jsonl", `{${Array.from({ length: 20_000 }, (_, c) => `"c${c}":1`).join(",")}}\n`],
  ])("that has more columns than a log may have: %s", async (name, text) => {
    await refuses(name, text).toThrow(/:1: 2000[01] columns, at most 16384/);
  });
});
