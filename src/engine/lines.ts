// A text file on the server's side → its bytes. Spark reads lines, which come here as they are: cells, quotes, bad rows and encodings are
// the business of the code that reads local files, so that no file is read otherwise through a server.

import { createHash } from "node:crypto";
import type { Data } from "apache-arrow";
import { IoError } from "../errors.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import type { ByteSource } from "../io/source.js";
import { literal, type RemoteFile } from "./files.js";
import { batchesIn, int64At } from "./batches.js";
import { filesOf, filtered, projected, quoted, sorted, type Relation } from "./plans.js";
import { LostOperation, type Session } from "./session.js";

/** A line ends here, and nowhere else: a \r belongs to the line, as on this machine. */
const NEWLINE = 0x0a;
const MARK = Uint8Array.of(0xef, 0xbb, 0xbf);

const [TEXT, BLOCK, SIZE, LINE] = ["text", "block", "size", "line"].map((name) =>
  quoted(`embed_${name}`),
) as [string, string, string, string];

/** Whether Spark decompresses the file, so that its size says nothing of its lines. */
function isCompressed(path: string): boolean {
  return /\.(gz|bz2|zst|lz4|snappy|deflate)$/i.test(path);
}

/** Opens a text file. @param slice bytes of lines that a job returns, about; a job for the whole file when undefined */
export function lineSource(session: Session, file: RemoteFile, slice: number | undefined): ByteSource {
  return new LineSource(session, file, slice);
}

class LineSource implements ByteSource {
  bytesRead = 0;
  readonly path: string;
  readonly totalBytes: number | undefined;
  readonly #session: Session;
  readonly #file: RemoteFile;
  readonly #slice: number | undefined;
  readonly #hash = createHash("sha256");
  #fingerprint: InputFingerprint | undefined;
  /** of what was passed on: bytes of all lines, lines of this job, and where the next block of the file starts */
  #delivered = 0;
  #numLines = 0;
  #nextBlock = 0;

  constructor(session: Session, file: RemoteFile, slice: number | undefined) {
    this.#session = session;
    this.#file = file;
    this.#slice = slice;
    this.path = file.path;
    this.totalBytes = isCompressed(file.path) ? undefined : file.bytes;
  }

  /** @throws {EmbedError} as Session.run; {IoError} lines are missing, or the file changed */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    let last: Uint8Array | undefined;
    let isFirst = true;
    for (const [from, to] of this.#windows()) {
      this.#numLines = 0;
      for await (const bytes of this.#window(from, to)) {
        // Hadoop's reader takes a byte-order mark away: a second one is data, which is read so behind another
        if (isFirst && MARK.every((byte, i) => bytes[i] === byte)) yield MARK;
        isFirst = false;
        if (last) yield this.#passed(last);
        last = bytes;
      }
    }
    if (last) yield this.#lastOf(last);
    else this.#end(0);
  }

  fingerprint(): InputFingerprint {
    if (!this.#fingerprint) throw new Error("a fingerprint is known at the end");
    return this.#fingerprint;
  }

  async close(): Promise<void> {
    // the session is closed by whoever opened it
  }

  /** Ranges of bytes in which blocks start: one a job. */
  #windows(): [number, number][] {
    const size = this.#slice;
    if (size === undefined || this.totalBytes === undefined) return [[0, Infinity]];
    // blocks are as large as half a slice (open.ts), so that those that start in half of one fit
    const half = Math.max(1, Math.floor(size / 2));
    const starts = Array.from({ length: Math.ceil(this.totalBytes / half) }, (_, i) => i * half);
    return starts.map((start) => [start, start + half]);
  }

  /** Lines of blocks that start in a range; a server that lost the operation, or gave lines out of order, is asked anew. */
  async *#window(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    let isSorted = false;
    let restarts = 0;
    for (;;) {
      try {
        yield* this.#job(from, to, isSorted);
        return;
      } catch (error) {
        if (error instanceof OutOfOrder && !isSorted) isSorted = true;
        else if (error instanceof LostOperation) await this.#session.restart(`'${this.path}'`, restarts++);
        else throw error;
      }
    }
  }

  async *#job(from: number, to: number, isSorted: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    // lines that an earlier job gave
    let known = this.#numLines;
    let [block, next, line] = [-1, known > 0 ? -1 : this.#nextBlock, -1];
    for await (const bytes of this.#session.run(this.#relation(from, to, isSorted), `'${this.path}'`)) {
      for (const data of batchesIn(bytes, ["text", "int64", "int64", "int64"], `'${this.path}'`)) {
        const numRows = data.length;
        const [texts, blocks, sizes, lines] = data.children as [Data, Data, Data, Data];
        for (let row = 0; row < numRows; row++) {
          const start = int64At(blocks, row);
          // a block follows the one before, or one in which no line starts: that shows in sorted rows alone
          const isNext = start === block || start === next || next === -1 || (isSorted && start > block);
          const nextLine = int64At(lines, row);
          if (!isNext || (start === block && nextLine <= line)) throw new OutOfOrder();
          if (start !== block) [block, next] = [start, start + int64At(sizes, row)];
          line = nextLine;
        }
        const first = Math.min(known, numRows);
        known -= first;
        if (first === numRows) continue;
        this.#numLines += numRows - first;
        this.#nextBlock = next;
        yield linesOf(texts, first, numRows);
      }
    }
    if (known > 0) throw new IoError(`'${this.path}' changed while it was read: it has fewer lines`);
  }

  #relation(from: number, to: number, isSorted: boolean): Relation {
    const files = filesOf("text", [literal(this.#file.uri)], { lineSep: "\n" });
    const lines = projected(files, [
      `value AS ${TEXT}`,
      `_metadata.file_block_start AS ${BLOCK}`,
      `_metadata.file_block_length AS ${SIZE}`,
      `monotonically_increasing_id() AS ${LINE}`,
    ]);
    const some = to === Infinity ? lines : filtered(lines, `${BLOCK} >= ${from} AND ${BLOCK} < ${to}`);
    return isSorted ? sorted(some, [BLOCK, LINE]) : some;
  }

  #passed(bytes: Uint8Array): Uint8Array {
    this.#hash.update(bytes);
    this.#delivered += bytes.length;
    this.bytesRead = Math.min(this.totalBytes ?? Infinity, this.#delivered);
    return bytes;
  }

  /** The last piece, with or without the newline that ends it, as the file's size says. */
  #lastOf(bytes: Uint8Array): Uint8Array {
    const left = this.#file.bytes - this.#delivered - bytes.length;
    const hasNoEnd = this.totalBytes !== undefined && (left === -1 || left === MARK.length - 1);
    this.#passed(hasNoEnd ? bytes.subarray(0, -1) : bytes);
    this.#end(this.#delivered);
    return bytes;
  }

  /** @param delivered bytes, without a byte-order mark @throws {IoError} they are not the file's */
  #end(delivered: number): void {
    const { path, bytes, modified } = this.#file;
    const hasMark = this.totalBytes !== undefined && bytes === delivered + MARK.length;
    if (this.totalBytes !== undefined && !hasMark && bytes !== delivered)
      throw new IoError(
        `--engine: ${this.#session.shown} gave ${delivered} bytes of '${path}', which has ${bytes}: it changed while ` +
          "it was read, or was read by another reader than Spark's own; run the command again",
      );
    const isOfFile = this.totalBytes !== undefined && !hasMark;
    this.#fingerprint = {
      path,
      bytes,
      sha256: this.#hash.digest("hex"),
      ...(!isOfFile && { of: "rows" as const }),
      modified: new Date(modified).toISOString(),
    };
  }
}

/** Lines are not in the order of the file. */
class OutOfOrder extends Error {}

/** Rows [from, to) of a column of text, each followed by a newline. */
function linesOf({ values, valueOffsets }: Data, from: number, to: number): Uint8Array {
  const [bytes, bounds] = [values as Uint8Array, valueOffsets as Int32Array];
  const lines = Buffer.allocUnsafeSlow(bounds[to]! - bounds[from]! + to - from);
  let at = 0;
  for (let row = from; row < to; row++) {
    lines.set(bytes.subarray(bounds[row], bounds[row + 1]), at);
    at += bounds[row + 1]! - bounds[row]!;
    lines[at++] = NEWLINE;
  }
  return lines;
}
