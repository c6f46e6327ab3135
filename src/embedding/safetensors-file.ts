// A safetensors file of any size, read tensor by tensor: what is larger than one read may be.

import { ArtifactError } from "../errors.js";
import type { ReadHandle } from "../io/read-artifact.js";
import { entriesOf, type Tensor } from "./safetensors.js";

/** Bytes of one read, and of one chunk to write: a checksum takes no more than 2 GiB at once. */
const PIECE = 64 << 20;

/**
 * The tensors of an open file.
 *
 * @param name the file's, for messages
 * @param only this tensor alone is read, if there is one of the name
 * @throws {ArtifactError} not a safetensors file of f32, f64, f16, u32, i64, u8 and i8 tensors, or a damaged one
 */
export async function readSafetensorsFile(
  file: ReadHandle,
  name: string,
  only?: string,
): Promise<Map<string, Tensor>> {
  const { size } = await file.stat();
  const prefix = await bytesAt(file, 0, Math.min(8, size), name);
  const length = prefix.length < 8 ? 0 : Number(new DataView(prefix.buffer).getBigUint64(0, true));
  const end = Math.min(8 + length, size);
  const entries = entriesOf(await bytesAt(file, 0, end, name), size, name);
  const tensors = new Map<string, Tensor>();
  for (const [tensor, { shape, start, bytes, arrayOf }] of entries) {
    if (only !== undefined && tensor !== only) continue;
    const data = await bytesAt(file, start, start + bytes, name);
    tensors.set(tensor, { shape, data: new arrayOf(data.buffer) });
  }
  return tensors;
}

/** Chunks cut to pieces that a writer takes. */
export function* piecesOf(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE) yield chunk.subarray(at, at + PIECE);
  }
}

async function bytesAt(
  file: ReadHandle,
  start: number,
  end: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, bytes.length - at), start + at);
    if (bytesRead === 0) throw new ArtifactError(`'${name}' is truncated: it is damaged`);
    at += bytesRead;
  }
  return bytes;
}
