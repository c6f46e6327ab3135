// Implements --encoding: decodes any encoding to UTF-8, and reports the line of the first invalid bytes.

import { DataError, UsageError } from "../../base/errors.js";
import { errorCode } from "../../base/io/write.js";
import { countLines } from "./records.js";

type Decoder = InstanceType<typeof TextDecoder>;

/** Transcodes pieces of text to UTF-8; UTF-8 input passes unchanged, and the scanner checks it. */
export async function* decoded(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  path: string,
  encoding: string | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = decoderOf(encoding);
  if (!decoder) {
    yield* withoutUtf16(pieces, path);
    return;
  }
  let line = 1;
  const decode = (bytes: Uint8Array | undefined, linesBefore: () => number): Buffer => {
    try {
      return Buffer.from(bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode());
    } catch (error) {
      if (errorCode(error) !== "ERR_ENCODING_INVALID_ENCODED_DATA") throw error;
      throw new DataError(`invalid ${decoder.encoding} bytes: set the file's encoding with --encoding`, {
        file: path,
        line: line + linesBefore(),
      });
    }
  };
  let before = new Uint8Array(0);
  let offset = 0;
  for await (const piece of pieces) {
    const text = decode(piece, () => {
      // a character may begin in the previous piece, so the last line of that piece is decoded again
      const tail = before.subarray(lineStart(before, offset - before.length, decoder));
      return linesBeforeFault(Buffer.concat([tail, piece]), decoder.encoding);
    });
    yield text;
    line += countLines(text);
    offset += piece.length;
    before = new Uint8Array(piece);
  }
  yield decode(undefined, () => 0);
}

/** Number of bytes at the start of a file by which UTF-16 is recognized. */
const LOOK_BYTES = 1024;

/** Passes pieces on. @throws {DataError} they look like UTF-16 without a mark: every second byte is NUL */
async function* withoutUtf16(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  // the first bytes are collected from several pieces, so that the result does not depend on the bounds of pieces
  let head: Uint8Array[] | undefined = [];
  let length = 0;
  const headBytes = (): Uint8Array[] => {
    const held = head ?? [];
    head = undefined;
    const guess = utf16Of(firstLine(Buffer.concat(held).subarray(0, LOOK_BYTES)));
    if (guess === undefined) return held;
    throw new DataError(`the file looks like UTF-16: set its encoding with --encoding ${guess}`, {
      file: path,
      line: 1,
    });
  };
  for await (const piece of pieces) {
    if (!head) {
      yield piece;
      continue;
    }
    length += piece.length;
    // a complete first line is enough to recognize UTF-16; an interactive sender may send no more before it gets a
    // reply
    const isEnough = length >= LOOK_BYTES || piece.includes(0x0a);
    // the piece is copied, because it may share its buffer with the next piece
    head.push(isEnough ? piece : Uint8Array.from(piece));
    if (isEnough) yield* headBytes();
  }
  if (head) yield* headBytes();
}

/** Returns the first line; only it is checked for NUL, because cells may contain NUL but names do not. */
function firstLine(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0x0a);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** The variant of UTF-16: NUL in a quarter or more of the odd bytes and in no even byte, or the reverse. */
function utf16Of(bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  const nuls: [even: number, odd: number] = [0, 0];
  bytes.forEach((byte, i) => byte === 0 && nuls[i % 2 === 0 ? 0 : 1]++);
  const [even, odd] = nuls;
  const enough = Math.max(2, bytes.length / 8);
  if (odd >= enough && even === 0) return "utf-16le";
  return even >= enough && odd === 0 ? "utf-16be" : undefined;
}

/** Returns the index after the last line end; 0 if none. @param offset position of the bytes in the file */
function lineStart(bytes: Uint8Array, offset: number, { encoding }: Decoder): number {
  // in all encodings but UTF-16, the byte of a newline is never part of another character
  if (!encoding.startsWith("utf-16")) return bytes.lastIndexOf(0x0a) + 1;
  const first = offset % 2;
  const low = encoding === "utf-16le" ? 0 : 1;
  for (let at = bytes.length - 2 - ((bytes.length - first) % 2); at >= first; at -= 2) {
    if (bytes[at + low] === 0x0a && bytes[at + 1 - low] === 0) return at + 2;
  }
  return first;
}

/** Line ends before the first invalid bytes, by bisection: the decoder's error does not state the position. */
function linesBeforeFault(bytes: Uint8Array, encoding: string): number {
  const text = (length: number): string | undefined => {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
    } catch {
      return undefined;
    }
  };
  let [sound, faulty] = [0, bytes.length];
  while (faulty - sound > 1) {
    const middle = (sound + faulty) >> 1;
    if (text(middle) === undefined) faulty = middle;
    else sound = middle;
  }
  return countLines(Buffer.from(text(sound) ?? ""));
}

/** Returns a decoder for --encoding; undefined for UTF-8. @throws {UsageError} the label is unknown */
export function decoderOf(encoding: string | undefined): InstanceType<typeof TextDecoder> | undefined {
  if (encoding === undefined) return undefined;
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch {
    throw new UsageError(
      `unknown encoding '${encoding}': expected a name like utf-8, utf-16le, windows-1252, gb18030 or shift_jis`,
    );
  }
  return decoder.encoding === "utf-8" ? undefined : decoder;
}
