// The decompressors that this Node has: zstd came to node:zlib in 22.15.

import * as zlib from "node:zlib";
import type { Transform } from "node:stream";
import { UsageError } from "../errors.js";

interface Options {
  /** bytes of the pieces that come out */
  chunkSize: number;
}

/** A stream from gzip (any number of members) to bytes. */
export function createGunzip(options: Options): Transform {
  return zlib.createGunzip(options);
}

/** A stream from zstd to bytes. @throws {UsageError} this Node has no zstd */
export function createZstdDecompress(options: Options): Transform {
  const zstd: typeof zlib & { createZstdDecompress?: (options: Options) => Transform } = zlib;
  if (!zstd.createZstdDecompress) {
    throw new UsageError(`.zst files need Node 22.15 or later, this is ${process.version}: use .gz`);
  }
  return zstd.createZstdDecompress(options);
}
