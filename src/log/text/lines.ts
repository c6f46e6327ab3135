// Splits a text file into decoded and checked lines, which are the records of JSON lines, libsvm and libffm.

import { isUtf8 } from "node:buffer";
import { firstBadLine, notUtf8 } from "./dialect.js";
import { decoded } from "./decoded.js";
import { sourceOf, withoutMark } from "./input.js";
import { maxRowBytes, rowTooLarge } from "../limits.js";
import type { ReadOptions } from "../log.js";
import type { RecordPiece, RecordFile } from "./record-form.js";
import { countLines, decodedUtf8 } from "./records.js";

/** Yields the lines except blank ones; ends: \n or \r\n. @throws as openSource; {DataError} invalid bytes */
export async function openLines(
  path: string,
  {
    encoding,
    maxCell,
    comment,
    held,
    opened,
    sources,
  }: Pick<ReadOptions, "encoding" | "maxCell" | "comment" | "held" | "opened" | "sources">,
  pieceBytes: number,
): Promise<RecordFile<string>> {
  const source = await sourceOf(path, { held, opened, sources }, pieceBytes);
  return { source, pieces };

  async function* pieces(): AsyncGenerator<RecordPiece<string>, void, undefined> {
    let line = 1 + (held?.linesBefore ?? 0);
    for await (const bytes of wholeLines()) {
      if (!isUtf8(bytes)) throw notUtf8(path, line + firstBadLine(bytes), encoding);
      const piece = pieceOf(bytes);
      line += piece.numLines;
      yield piece;
    }
  }

  /** Yields pieces of the file that end with a line end; only the last piece may lack it. */
  async function* wholeLines(): AsyncGenerator<Uint8Array, void, undefined> {
    let parts: Uint8Array[] = [];
    let length = 0;
    let line = 1;
    let isFirst = true;
    for await (const piece of decoded(source.pieces(), path, encoding)) {
      const end = piece.lastIndexOf(0x0a) + 1;
      parts.push(end > 0 ? piece.subarray(0, end) : piece);
      length += piece.length;
      // a line may have many cells, but a line that never ends would fill the memory
      if (end === 0 && length > maxRowBytes({ maxCell })) throw rowTooLarge("line", path, line, { maxCell });
      if (end === 0) continue;
      const whole = Buffer.concat(parts);
      line += countLines(whole);
      yield isFirst ? withoutMark(whole, true)! : whole;
      isFirst = false;
      parts = [Uint8Array.from(piece.subarray(end))];
      length = parts[0]!.length;
    }
    const last = Buffer.concat(parts);
    if (last.length > 0) yield isFirst ? withoutMark(last, true)! : last;
  }

  function pieceOf(bytes: Uint8Array): RecordPiece<string> {
    let made: Pick<RecordPiece<string>, "records" | "lines"> | undefined;
    const make = () => {
      const texts = decodedUtf8(bytes).split("\n");
      made = { records: [], lines: [] };
      for (const [line, text] of texts.entries()) {
        const record = text.endsWith("\r") ? text.slice(0, -1) : text;
        if (record.trim() === "" || (comment !== undefined && record.startsWith(comment))) continue;
        made.records.push(record);
        made.lines.push(line);
      }
      return made;
    };
    return {
      bytes,
      // the text after the last line end is not a line if it is empty
      numLines: countLines(bytes) + (bytes.at(-1) === 0x0a ? 0 : 1),
      get records() {
        return (made ?? make()).records;
      },
      get lines() {
        return (made ?? make()).lines;
      },
    };
  }
}
