// Files for a session, as the messages that send them in chunks.
//
// Source: spark/connect/base.proto, AddArtifactsRequest; the names that begin with `files/` are those of SparkContext.addFile.

import { open } from "node:fs/promises";
import { IoError } from "../errors.js";
import type { Message } from "./wire.js";

/** A file: bytes, or one of this machine with its size. */
export interface ArtifactFile {
  /** without folders */
  name: string;
  content: Uint8Array | { path: string; size: number };
}

const CHUNK = 1 << 20;

/**
 * Yields the messages that send files.
 *
 * @param call the fields that each message has in addition
 * @throws {IoError} a file has become shorter
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
      // a server takes one chunk as a batch only
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
    // an empty file has one chunk, too
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

/** The checksum of ISO 3309, as gzip has it; zlib.crc32 needs Node 22. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}
