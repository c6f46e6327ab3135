// Reads a text file on a server as bytes. Spark splits it into lines and transfers them unchanged. The code for local
// files handles cells, quotes, bad rows and encodings, so a file gives the same log with and without a server.

import { createHash } from "node:crypto";
import type { Data } from "apache-arrow";
import { IoError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import type { ByteSource } from "../../base/io/source.js";
import { literal, type RemoteFile } from "./files.js";
import { batchesIn, int64At } from "./batches.js";
import { filesOf, filtered, projected, quotedColumn, sorted, type Relation } from "./plans.js";
import { OutOfOrder } from "./row-order.js";
import { LostOperation, type EngineSession } from "./session.js";

/** The only line end is \n: a \r before it belongs to the line, as in local files. */
const NEWLINE = 0x0a;
const MARK = Uint8Array.of(0xef, 0xbb, 0xbf);

const [TEXT, BLOCK, SIZE, LINE] = ["text", "block", "size", "line"].map((name) =>
  quotedColumn(`embed_${name}`),
) as [string, string, string, string];

/** Whether Spark decompresses the file, so that the size of the file differs from the total size of its lines. */
function isCompressed(path: string): boolean {
  return /\.(gz|bz2|zst|lz4|snappy|deflate)$/i.test(path);
}

/** @param slice approximate bytes of the lines of one job; undefined: one job reads the whole file */
export function lineSource(session: EngineSession, file: RemoteFile, slice: number | undefined): ByteSource {
  return new LineSource(session, file, slice);
}

class LineSource implements ByteSource {
  bytesRead = 0;
  readonly path: string;
  readonly totalBytes: number | undefined;
  readonly #session: EngineSession;
  readonly #file: RemoteFile;
  readonly #slice: number | undefined;
  readonly #hash = createHash("sha256");
  #fingerprint: InputFingerprint | undefined;
  /** progress: bytes of all lines so far, lines of the current job, and start of the next block of the file */
  #delivered = 0;
  #numLines = 0;
  #nextBlock = 0;

  constructor(session: EngineSession, file: RemoteFile, slice: number | undefined) {
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
        // Hadoop's reader removes a byte-order mark. If a second one follows, it is data; another mark is put before it
        // so that it is read as data
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
    // does nothing, because whoever opened the session closes it
  }

  /** Returns one range of bytes per job; a job reads the blocks that start in its range. */
  #windows(): [number, number][] {
    const size = this.#slice;
    if (size === undefined || this.totalBytes === undefined) return [[0, Infinity]];
    // a job reads the blocks that start in a range of `half` bytes; since a block has at most `half` bytes (open.ts), a
    // job reads at most `size` bytes
    const half = Math.max(1, Math.floor(size / 2));
    const starts = Array.from({ length: Math.ceil(this.totalBytes / half) }, (_, i) => i * half);
    return starts.map((start) => [start, start + half]);
  }

  /** Yields lines of the blocks that start in a range; repeats a job that is lost or out of order. */
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
    // number of lines that an earlier attempt of the job returned
    let known = this.#numLines;
    let [block, next, line] = [-1, known > 0 ? -1 : this.#nextBlock, -1];
    for await (const bytes of this.#session.run(this.#relation(from, to, isSorted), `'${this.path}'`)) {
      for (const data of batchesIn(bytes, ["text", "int64", "int64", "int64"], `'${this.path}'`)) {
        const numRows = data.length;
        const [texts, blocks, sizes, lines] = data.children as [Data, Data, Data, Data];
        for (let row = 0; row < numRows; row++) {
          const start = int64At(blocks, row);
          // a line starts in the same block as the line before, in the next block, or, if no line starts in the next
          // blocks, in a later one; unless the rows are sorted, a later block may also mean that rows are missing
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
        yield textLines(texts, first, numRows);
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

  /** Returns the file's last piece, after hashing it. The file's size shows whether it ends with a newline. */
  #lastOf(bytes: Uint8Array): Uint8Array {
    const left = this.#file.bytes - this.#delivered - bytes.length;
    const hasNoEnd = this.totalBytes !== undefined && (left === -1 || left === MARK.length - 1);
    this.#passed(hasNoEnd ? bytes.subarray(0, -1) : bytes);
    this.#end(this.#delivered);
    return bytes;
  }

  /**
   * Completes the fingerprint of the file after its last line.
   *
   * @param delivered number of bytes that were read, without a byte-order mark
   * @throws {IoError} it differs from the file's size
   */
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

/** Returns rows [from, to) of a text column; a newline follows each row. */
function textLines({ values, valueOffsets }: Data, from: number, to: number): Uint8Array {
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
