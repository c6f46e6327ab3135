// Decompressors of this Node version: node:zlib supports zstd since 22.15.

import * as zlib from "node:zlib";
import { Readable, type Transform } from "node:stream";
import { UsageError } from "../errors.js";

/** Decompresses a stream; reads all of its input, including bytes after the end of the compressed data. */
export type Decompress = (compressed: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;

interface Options {
  /** size in bytes of the pieces that are returned */
  chunkSize: number;
}

/** Decompresses gzip with any number of members. */
export function gunzip(options: Options): Decompress {
  return async function* (bytes) {
    const compressed = Readable.from(bytes, { objectMode: false });
    const stream = zlib.createGunzip(options);
    compressed.on("error", (error) => stream.destroy(error));
    try {
      yield* typedPieces(compressed.pipe(stream));
      // decompression may end before the input does (bytes after the last member), but the fingerprint needs all bytes
      for await (const _ of compressed);
    } finally {
      compressed.destroy();
      stream.destroy();
    }
  };
}

/** A stream that counts its input bytes. */
type Counting = Transform & { bytesWritten: number };

/** Decompresses zstd with any number of frames. @throws {UsageError} this Node version has no zstd */
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
        yield* typedPieces(stream);
        rest = await feeding;
      } finally {
        stream.destroy();
      }
    } while (rest);
  };
}

/**
 * Passes the input of one frame to a decompressor, which ends without an error if the frame ends within a piece.
 *
 * @returns the unused input, which belongs to the next frame; undefined at the end of the input
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

/** Declares the type of a byte stream's pieces, which Node declares as `any`. */
export function typedPieces(stream: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- neither objectMode nor an encoding is set
  return stream as AsyncIterable<Uint8Array>;
}
