// Replaces a --delimiter of several characters, such as `::`, by one byte, so that the scanners can read the log. In
// the text of quoted cells, the byte is converted back to the delimiter (text-rows.ts).

import { DataError, UsageError, excerpt } from "../../base/errors.js";
import { countLines, type Dialect } from "./records.js";

/** The unit separator of ASCII, which is not expected in text. */
const STAND_IN = "\x1f";
const STAND_IN_BYTE = 0x1f;
/** Maximum number of characters of a delimiter. */
const MOST = 16;

/** Replaces escapes in a delimiter by the characters that they denote: `\t`, `\x01` and `\u0001`. */
export function unescapedDelimiter(delimiter: string): string {
  if (delimiter === "\\t") return "\t";
  const [, hex] = /^\\(?:x([\da-f]{2})|u([\da-f]{4}))$/iu.exec(delimiter)?.filter(Boolean) ?? [];
  return hex === undefined ? delimiter : String.fromCodePoint(Number.parseInt(hex, 16));
}

/**
 * Checks --delimiter. @returns the byte that separates cells, and the delimiter of several characters that it replaces,
 * if any @throws {UsageError} the delimiter is invalid
 */
export function checkedDelimiter(given: string): Pick<Dialect, "delimiter" | "written"> {
  const delimiter = unescapedDelimiter(given);
  const isOdd = /[\r\n"]/.test(delimiter) || (delimiter.length > 1 && delimiter.includes(STAND_IN));
  if (delimiter === "" || delimiter.length > MOST || isOdd)
    throw new UsageError(
      `the delimiter must have 1 to ${MOST} characters other than quotes and line ends, got ${excerpt(given)}`,
    );
  const isByte = delimiter.length === 1 && delimiter <= "\x7f";
  return isByte ? { delimiter } : { delimiter: STAND_IN, written: delimiter };
}

/** Returns a text as it is in the file, whose delimiter may have several characters. */
export function asWritten(text: string, { written }: Pick<Dialect, "written">): string {
  return written === undefined ? text : text.replaceAll(STAND_IN, written);
}

/**
 * Replaces each delimiter in the pieces by one byte.
 *
 * @param pieces pieces of UTF-8
 * @throws {DataError} the pieces already contain this byte
 */
export async function* withOneByte(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  path: string,
  written: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const needle = Buffer.from(written, "utf8");
  let held: Uint8Array = new Uint8Array(0);
  let line = 1;
  for await (const piece of pieces) {
    const at = piece.indexOf(STAND_IN_BYTE);
    if (at !== -1)
      throw new DataError(
        "the file contains the character U+001F, which is not supported with a multi-character delimiter " +
          `(${excerpt(written)}): remove it`,
        { file: path, line: line + countLines(piece, 0, at) },
      );
    line += countLines(piece);
    const bytes = Buffer.concat([held, piece]);
    const out = Buffer.allocUnsafeSlow(bytes.length);
    let [from, to] = [0, 0];
    while (from + needle.length <= bytes.length) {
      if (
        bytes[from] === needle[0] &&
        bytes.compare(needle, 0, needle.length, from, from + needle.length) === 0
      ) {
        out[to++] = STAND_IN_BYTE;
        from += needle.length;
      } else out[to++] = bytes[from++]!;
    }
    // keeps the end of the piece, which may be the start of a delimiter
    held = Uint8Array.from(bytes.subarray(from));
    yield out.subarray(0, to);
  }
  yield held;
}
