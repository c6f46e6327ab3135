// The decompressors that this Node has: zstd came to node:zlib in 22.15.

import * as zlib from "node:zlib";
import { Readable, type Transform } from "node:stream";
import { UsageError } from "../errors.js";

/** From compressed bytes to what they hold; it reads all of its input, also what follows its end. */
export type Decompress = (compressed: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;

interface Options {
  /** bytes of the pieces that come out */
  chunkSize: number;
}

/** Of gzip, any number of members. */
export function gunzip(options: Options): Decompress {
  return async function* (bytes) {
    const compressed = Readable.from(bytes, { objectMode: false });
    const stream = zlib.createGunzip(options);
    compressed.on("error", (error) => stream.destroy(error));
    try {
      yield* bytesOf(compressed.pipe(stream));
      // it may end before its input does (bytes after the last member): the fingerprint needs them all
      for await (const _ of compressed);
    } finally {
      compressed.destroy();
      stream.destroy();
    }
  };
}

/** A stream that knows how many bytes it has taken. */
type Counting = Transform & { bytesWritten: number };

/** Of zstd, any number of frames. @throws {UsageError} this Node has no zstd */
export function unzstd(options: Options): Decompress {
  const zstd: typeof zlib & { createZstdDecompress?: (options: Options) => Counting } = zlib;
  const create = zstd.createZstdDecompress;
  if (!create)
    throw new UsageError(`.zst files need Node 22.15 or later, this is ${process.version}: use .gz`);
  return async function* (bytes) {
    const pieces = bytes[Symbol.asyncIterator]();
    let rest: Uint8Array | undefined;
    do {
      const stream = create(options);
      const feeding = feedFrame(rest, pieces, stream);
      feeding.catch((error: unknown) => stream.destroy(error as Error));
      try {
        yield* bytesOf(stream);
        rest = await feeding;
      } finally {
        stream.destroy();
      }
    } while (rest);
  };
}

/**
 * Gives a stream its input. Node's ends silently where a frame ends within a piece.
 *
 * @returns what it has not taken, the next frame's; undefined when the input has ended
 */
async function feedFrame(
  first: Uint8Array | undefined,
  pieces: AsyncIterator<Uint8Array>,
  stream: Counting,
): Promise<Uint8Array | undefined> {
  for (let piece = first; ; piece = undefined) {
    if (!piece) {
      const { value, done } = await pieces.next();
      if (done === true) break;
      piece = value;
    }
    const before = stream.bytesWritten;
    await new Promise<void>((resolve, reject) =>
      stream.write(piece, (error) => (error ? reject(error) : resolve())),
    );
    const taken = stream.bytesWritten - before;
    if (taken < piece.length) return piece.subarray(taken);
  }
  stream.end();
  return undefined;
}

/** The pieces of a byte stream, which Node types as anything. */
export function bytesOf(stream: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- neither objectMode nor an encoding is set
  return stream as AsyncIterable<Uint8Array>;
}
