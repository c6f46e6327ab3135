import { keyAt } from "./keys.js";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import type { ByteSource } from "../base/io/source.js";
import { defaultReadOptions, type Log, type ReadOptions, type ReadSizes } from "./log.js";
import { openFiles, openLog } from "./open.js";
import { forEachRow } from "./text/text-rows.js";

const folder = mkdtempSync(join(tmpdir(), "embed-read-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns everything that reading a log yields, with the batches concatenated, or the message of the error. */
async function reading(opened: Promise<Log>) {
  try {
    const log = await opened;
    const codes: number[][] = log.columns.map(() => []);
    const result = await log.read(
      log.columns.map((name) => ({ name, as: "key" })),
      (batch) => batch.columns.forEach((column, c) => codes[c]!.push(...column)),
    );
    const keys = result.dictionaries.map((dictionary) =>
      Array.from({ length: dictionary.size }, (_, code) => keyAt(dictionary, code)),
    );
    return { codes, keys, skipped: result.skipped };
  } catch (error) {
    // the share of bad rows is that of the rows up to the end of a chunk
    return String(error).replace(/ \([^()]* of the first \d+ rows\)$/, "");
  }
}

const readingFile = (path: string, options: Partial<ReadOptions>, sizes: ReadSizes) =>
  reading(openLog([path], { ...defaultReadOptions, ...options }, sizes));

/** Reads a text like a file whose pieces have the size of the chunks, without a file. */
function readingText(text: string, options: Partial<ReadOptions>, chunkBytes: number) {
  const bytes = Buffer.from(text);
  const open = async (path: string, pieceBytes: number): Promise<ByteSource> => ({
    path,
    bytesRead: 0,
    totalBytes: bytes.length,
    async *pieces() {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    },
    fingerprint: () => ({ path, bytes: bytes.length, sha256: "" }),
    close: async () => undefined,
  });
  const files = { files: [{ path: "text.csv", partition: {} }], warnings: [] };
  const sizes = { chunkBytes, localBytes: 1 << 30 };
  return reading(openFiles(files, { ...defaultReadOptions, ...options, sources: { open } }, sizes));
}

/** Returns what `readingText` should return, computed with papaparse alone from the whole text. */
function plainReading(text: string, numColumns: number) {
  const tables = Array.from({ length: numColumns }, () => new Map<string, number>());
  const codes: number[][] = tables.map(() => []);
  let [ragged, quote] = [0, 0];
  const bytes = Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
  forEachRow(bytes, { delimiter: ",", comment: "#", maxCell: 1 << 20 }, ({ cells, malformedQuote }) => {
    if (malformedQuote !== -1) quote++;
    else if (cells.length !== numColumns) ragged++;
    else {
      for (const [c, table] of tables.entries()) {
        const key = cells[c]!;
        if (key !== "" && !table.has(key)) table.set(key, table.size);
        codes[c]!.push(key === "" ? 0xffffffff : table.get(key)!);
      }
    }
  });
  const skipped = {
    ...(ragged > 0 && { "wrong number of cells": ragged }),
    ...(quote > 0 && { "malformed quote": quote }),
  };
  return { codes, keys: tables.map((table) => [...table.keys()]), skipped };
}

// characters that have a meaning in CSV occur as often as ordinary ones
const unit = fc.constantFrom(
  "a",
  "b",
  '"',
  '""',
  ",",
  "\n",
  "\r",
  "\r\n",
  " ",
  "\u00a0",
  "#",
  "é",
  "👍",
  "\ufeff",
  "\0",
);
const cell = fc.string({ unit, maxLength: 6 });
const quoted = cell.map((text) => `"${text.replaceAll('"', '""')}"`);
const plain = fc.string({ unit: fc.constantFrom("a", "b", "é", "👍", "\r", " ", "#", "\0"), maxLength: 9 });
const row = fc
  .array(fc.oneof({ weight: 4, arbitrary: plain }, { weight: 2, arbitrary: quoted }, cell), {
    minLength: 1,
    maxLength: 3,
  })
  .map((cells) => cells.join(","));
const log = fc
  .tuple(
    fc.array(fc.tuple(row, fc.constantFrom("\n", "\r\n", "\n\n")), { minLength: 1, maxLength: 12 }),
    fc.boolean(),
  )
  .map(([rows, closed]) => {
    const text = `x,y\n${rows.flat().join("")}`;
    return closed ? text : text.replace(/\r?\n+$/, "");
  });

describe("reading in chunks", () => {
  test("gives what papaparse gives over the whole file, wherever the chunks end", async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.integer({ min: 1, max: 40 }), async (text, chunkBytes) => {
        const got = await readingText(text, { onBadRow: "skip", comment: "#" }, chunkBytes);
        // an unclosed quote and a file without rows are rejected, where papaparse alone would return a row
        if (typeof got === "string")
          expect(got).toMatch(/unterminated quoted cell|the file has a header but no rows/);
        else expect(got).toEqual(plainReading(text.slice(4), 2));
      }),
      { seed: 7, numRuns: 1500 },
    );
  }, 300_000);

  test("gives the same, or the same error, wherever the chunks end", async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.integer({ min: 1, max: 40 }), async (text, chunkBytes) => {
        const whole = await readingText(text, {}, 1 << 20);
        expect(await readingText(text, {}, chunkBytes)).toEqual(whole);
      }),
      { seed: 8, numRuns: 1000 },
    );
  }, 300_000);

  test.each([1, 2, 3])(
    "gives the same codes with %i threads, wherever the threads start",
    async (threads) => {
      const path = join(folder, "threads.csv");
      // the keys of column x first appear late or repeat, and some cells are quoted
      const rows = Array.from({ length: 20_000 }, (_, i) => {
        const key = (i * 7919) % (1 + (i >> 2));
        return i % 97 === 0 ? `"k,${key}","${i % 13}\n"` : `k${key},${i % 11 === 0 ? "" : i % 17}`;
      });
      writeFileSync(path, `x,y\n${rows.join("\n")}\n`);
      const expected = await readingFile(path, { threads: 1 }, { chunkBytes: 1 << 20, localBytes: 1 << 30 });
      expect(typeof expected).toBe("object");
      for (const localBytes of [0, 10_000]) {
        expect(await readingFile(path, { threads }, { chunkBytes: 4096, localBytes })).toEqual(expected);
      }
    },
  );

  test("gives the error of a thread with file and line, and ends the threads", async () => {
    const path = join(folder, "thread-error.csv");
    writeFileSync(path, `x,y\n${"a,b\n".repeat(5000)}c\n${"a,b\n".repeat(5000)}`);
    expect(await readingFile(path, { threads: 2 }, { chunkBytes: 1000, localBytes: 0 })).toContain(
      'thread-error.csv:5002: expected 2 columns, got 1: "c"',
    );
  });

  test("ends the threads when the receiver fails", async () => {
    const path = join(folder, "receiver.csv");
    writeFileSync(path, `x\n${"a\n".repeat(5000)}`);
    const log = await openLog([path], defaultReadOptions, { chunkBytes: 1000, localBytes: 0 });
    await expect(
      log.read([{ name: "x", as: "key" }], () => Promise.reject(new Error("disk full"))),
    ).rejects.toThrow("disk full");
  });
});
