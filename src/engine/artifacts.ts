// Splits files that are sent to a session into messages with chunks.
//
// Source: spark/connect/base.proto, AddArtifactsRequest; names that begin with `files/` denote files as added by
// SparkContext.addFile.

import { open } from "node:fs/promises";
import { IoError } from "../errors.js";
import type { Message } from "./wire.js";

/** A file, given as bytes in memory or as the path and the size of a local file. */
export interface ArtifactFile {
  /** file name, without folders */
  name: string;
  content: Uint8Array | { path: string; size: number };
}

const CHUNK = 1 << 20;

/**
 * Yields the messages that send files.
 *
 * @param call fields that are added to each message
 * @throws {IoError} a local file became shorter
 */
export async function* artifactMessages(
  files: readonly ArtifactFile[],
  call: Message,
): AsyncGenerator<Message> {
  for (const { name, content } of files) {
    const totalBytes = content instanceof Uint8Array ? content.length : content.size;
    const path = `files/${name}`;
    const numChunks = Math.ceil(totalBytes / CHUNK);
    let isFirst = true;
    for await (const bytes of chunksOf(content)) {
      const data = { data: bytes, crc: crc32(bytes) };
      // the server accepts a file of one chunk only in the message `batch`
      if (numChunks <= 1) yield { ...call, batch: { artifacts: [{ name: path, data }] } };
      else if (isFirst)
        yield { ...call, beginChunk: { name: path, totalBytes, numChunks, initialChunk: data } };
      else yield { ...call, chunk: data };
      isFirst = false;
    }
  }
}

async function* chunksOf(content: ArtifactFile["content"]): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    // an empty file is sent as one empty chunk
    for (let at = 0; at === 0 || at < content.length; at += CHUNK) yield content.subarray(at, at + CHUNK);
    return;
  }
  const { path, size } = content;
  const file = await open(path);
  try {
    for (let at = 0; at === 0 || at < size; at += CHUNK) {
      const wanted = Math.min(CHUNK, size - at);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, at);
      if (bytesRead < wanted) throw new IoError(`'${path}' became shorter while it was sent`);
      yield buffer;
    }
  } finally {
    await file.close();
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** Computes the CRC-32 of ISO 3309, which gzip uses; zlib.crc32 requires Node 22. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}
