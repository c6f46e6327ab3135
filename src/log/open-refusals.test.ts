// Inputs that openLog rejects, and its error messages.

import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DataError, NoInputError, UsageError } from "../base/errors.js";
import { defaultReadOptions, type ReadOptions } from "./log.js";
import { openLog } from "./open.js";
import { logFiles, rowsOf } from "../testing/log-rows.js";

const tiny = { chunkBytes: 16, localBytes: 1 << 30 };
const { folder, file } = logFiles();

describe("openLog and read refuse", () => {
  const longQuote = `a,b\n1,x\n2,"${"y\n".repeat(40)}`;
  test.each<[string, string, string | Uint8Array, Partial<ReadOptions>, string, number | undefined]>([
    ["an empty file", "empty.csv", "", {}, "the file is empty", 1],
    ["a file of blank lines", "blank.csv", "\n\n", {}, "the file is empty", 1],
    ["a header without rows", "header.csv", "a,b\n", {}, "no rows", 1],
    ["a header without a newline", "header2.csv", "a,b", {}, "no rows", 1],
    ["columns of one name", "same.csv", "\na,b,a\n1,2,3", {}, "columns 1 and 3 have the same name", 2],
    ["a short row", "short.csv", 'a,b\n1,"x\ny"\n2\n', {}, 'expected 2 columns, got 1: "2"', 4],
    ["a long row", "long.csv", "a,b\r\n1,x\r\n\r\n2,y,z\r\n", {}, 'expected 2 columns, got 3: "2,y,z"', 4],
    ["a short quoted row", "short2.csv", 'a,b\n1,x\n"2"\n', {}, "expected 2 columns, got 1", 3],
    [
      "an unclosed quote",
      "open.csv",
      'a,b\n1,x\n2,"y\nz\n',
      {},
      "unterminated quoted cell: expected a closing quote",
      3,
    ],
    [
      "a quote that closes beyond --max-cell",
      "cell.csv",
      `${longQuote}"\n`,
      { maxCell: 64 },
      "within 64 bytes",
      3,
    ],
    [
      "an unclosed quote in the header",
      "open2.csv",
      '"a,b\n1,x\n',
      {},
      "unterminated quoted cell: expected a closing quote",
      1,
    ],
    ["a malformed quote", "mal.csv", 'a,b\n1,x\n2,"y"z"\n', {}, "malformed quote", 3],
    ["latin-1", "latin.csv", Buffer.from("a,b\n1,x\n2,caf\xe9\n", "latin1"), {}, "--encoding", 3],
    ["utf-16le without a mark", "le.csv", Buffer.from("a,b\n1,x\n", "utf16le"), {}, "--encoding utf-16le", 1],
    [
      "utf-16be without a mark",
      "be.csv",
      Buffer.from("a,b\n1,x\n", "utf16le").swap16(),
      {},
      "--encoding utf-16be",
      1,
    ],
    ["utf-16 unannounced", "utf16.csv", Buffer.from("\ufeffa,b\n1,x\n", "utf16le"), {}, "--encoding", 1],
    [
      "odd utf-16",
      "odd16.csv",
      Buffer.from("a\0,\0b\0\n\0x"),
      { encoding: "utf-16le" },
      "invalid utf-16le bytes",
      undefined,
    ],
    ["damaged gzip", "bad.gz", gzipSync("a,b\n1,x\n").fill(7, 12, 16), {}, "damaged", undefined],
    [
      "gzip cut short",
      "cut.gz",
      gzipSync("a,b\n1,x\n").subarray(0, 20),
      {},
      "the compressed data is damaged or truncated (",
      undefined,
    ],
    ["what is no gzip", "no.gz", "a,b\n1,x\n", {}, "damaged", undefined],
  ])("%s", async (_, name, content, options, message, line) => {
    const path = file(name, content);
    for (const chunkBytes of [4, 1 << 20]) {
      const reading = rowsOf(path, options, { sizes: { ...tiny, chunkBytes } });
      const error: unknown = await reading.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!(error instanceof DataError)) throw error;
      expect(error.message).toContain(message);
      expect(error.place).toMatchObject({ file: path, ...(line !== undefined && { line }) });
    }
  });

  test("a file that does not exist, unknown options", async () => {
    const good = file("good.csv", "a,b\n1,2\n");
    await expect(rowsOf(join(folder, "none.csv"))).rejects.toBeInstanceOf(NoInputError);
    await expect(rowsOf([good, join(folder, "none.csv")])).rejects.toBeInstanceOf(NoInputError);
    await expect(rowsOf([])).rejects.toBeInstanceOf(NoInputError);
    for (const delimiter of ["", '"', ":\n", "x".repeat(17)])
      await expect(rowsOf(good, { delimiter })).rejects.toBeInstanceOf(UsageError);
    await expect(rowsOf(good, { encoding: "klingon" })).rejects.toBeInstanceOf(UsageError);
    await expect(rowsOf(good, { comment: "," })).rejects.toBeInstanceOf(UsageError);
  });

  test("a second file that shares no column with the first, before anything is read", async () => {
    const paths = [file("h1.csv", "a,b\n1,2\n"), file("h2.csv", "a;c\n1;2\n")];
    await expect(rowsOf(paths)).rejects.toThrow(
      `${paths[1]}: the file has no column of the files before it (a, b): its columns are a;c; if the delimiter is wrong`,
    );
  });

  test("a bad row of a later file with the line in that file", async () => {
    const paths = [file("f1.csv", "a\n1\n2\n"), file("f2.csv", "a\n1\n2,3\n")];
    await expect(rowsOf(paths)).rejects.toThrow(`${paths[1]}:3: expected 1 columns, got 2`);
  });

  test("a second reading", async () => {
    const log = await openLog([file("once.csv", "a\n1\n")], defaultReadOptions);
    await log.read([], () => undefined);
    await expect(log.read([], () => undefined)).rejects.toThrow("read once");
  });
});
