// Reads formats with a word and its vector per row: word2vec's text and binary format, fastText's .vec, GloVe's text.
//
// In text, a line contains the key and its numbers, separated by single blanks or tabs; a first line of two whole
// numbers is word2vec's header, whose number of rows is checked. In the binary format a key ends at the first blank,
// and a line end may follow a row.

import { DataError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { ByteReader } from "./byte-reader.js";
import type { TableCollector } from "./collector.js";

const [LF, BLANK] = [10, 32];
const MAX_KEY = 1 << 20;
const MAX_LINE = 16 << 20;
const MAX_DIM = 1 << 16;

export async function readWordText(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  return await readLines(path, rows, true);
}

/** Reads text without a header, whose first line may be a key and a number. */
export async function readGlove(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  return await readLines(path, rows, false);
}

async function readLines(
  path: string,
  rows: TableCollector,
  hasHeader: boolean,
): Promise<InputFingerprint[]> {
  const reader = await ByteReader.open(path);
  let line = 0;
  let numRows = 0;
  let promised: { rows: number; dim: number } | undefined;
  const take = (bytes: Uint8Array): void => {
    line++;
    const text = utf8(bytes, { file: path, line }).replace(/[ \t\r]+$/, "");
    if (text === "") return;
    if (hasHeader && line === 1 && /^\d+[ \t]\d+$/.test(text)) {
      const [count, dim] = text.split(/[ \t]/).map(Number);
      promised = { rows: count!, dim: dim! };
      return;
    }
    const [key, ...cells] = text.split(/[ \t]/);
    const vector = cells.map((cell) => {
      const x = Number(cell);
      // Number() also parses 0x10, which is not a decimal number
      if (cell === "" || Number.isNaN(x) || /^0[a-z]/i.test(cell))
        throw new DataError(
          `expected a number, got '${cell}': a row must be a key without spaces followed by numbers`,
          { file: path, line },
        );
      return x;
    });
    if (promised && vector.length !== promised.dim)
      throw new DataError(
        `${vector.length} numbers, but the first line declares ${promised.dim}: keys must not contain spaces`,
        { file: path, line },
      );
    rows.add(key!, vector, { file: path, line });
    numRows++;
  };
  try {
    for (;;) {
      const bytes = reader.until(LF) ?? (await reader.readUntil(LF, MAX_LINE));
      if (!bytes) break;
      take(bytes);
    }
    // a last line without a line end, or one that is too long
    for await (const rest of reader.rest()) {
      if (rest.length > MAX_LINE)
        throw new DataError(`the line is longer than ${MAX_LINE} bytes: expected a key and its numbers`, {
          file: path,
          line: line + 1,
        });
      if (rest.length > 0) take(rest);
    }
  } finally {
    await reader.close();
  }
  if (promised && promised.rows !== numRows)
    throw new DataError(
      `the first line declares ${promised.rows} rows, but the file has ${numRows}: check that it is complete`,
      { file: path },
    );
  return [reader.fingerprint()];
}

export async function readWordBinary(path: string, rows: TableCollector): Promise<InputFingerprint[]> {
  const reader = await ByteReader.open(path);
  const until = async (byte: number, row: number): Promise<Buffer> => {
    const found = reader.until(byte) ?? (await reader.readUntil(byte, MAX_KEY));
    if (found) return found;
    throw new DataError(`the file is truncated or not in binary word2vec format, at row ${row}`, {
      file: path,
    });
  };
  try {
    const header = /^(\d+) (\d+)\r?$/.exec((await until(LF, 0)).toString("latin1"));
    if (!header)
      throw new DataError("expected a first line `rows dim`, as in binary word2vec format", { file: path });
    const [numRows, dim] = [Number(header[1]), Number(header[2])];
    if (dim > MAX_DIM)
      throw new DataError(
        `the first line declares ${dim} numbers per row, at most ${MAX_DIM} are supported`,
        { file: path },
      );
    const vector = new Float32Array(dim);
    const vectorBytes = new Uint8Array(vector.buffer);
    for (let row = 1; row <= numRows; row++) {
      const key = await until(BLANK, row);
      // skips the line end after the previous row
      const text = utf8(key[0] === LF ? key.subarray(1) : key, { file: path }, ` of row ${row}`);
      const bytes = reader.take(4 * dim) ?? (await reader.read(4 * dim));
      if (!bytes)
        throw new DataError(`the file ends within row ${row} of ${numRows}: check that it is complete`, {
          file: path,
        });
      vectorBytes.set(bytes);
      rows.add(text, vector, { file: path });
    }
    // reads to the end, because the fingerprint covers the whole file
    for await (const rest of reader.rest())
      if (rest.some((byte) => byte !== LF))
        throw new DataError(
          `the first line declares ${numRows} rows of ${dim}, but more data follows: check the number of rows`,
          { file: path },
        );
  } finally {
    await reader.close();
  }
  return [reader.fingerprint()];
}

function utf8(bytes: Uint8Array, place: { file: string; line?: number }, of = ""): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new DataError(`the key${of} is not valid UTF-8: convert the file to UTF-8`, place);
  }
}
