// What this machine and a shard's program send each other: named arrays of 4-byte numbers behind a header.
//
//   u32 bytes of the frame   u32 bytes of the header   header, JSON padded to a multiple of 4   the arrays, one after another
//
// Frames follow each other without a gap. Both ends are little-endian, as WebAssembly's memory is.

/** Arrays by their names. */
export type FrameArrays = Record<string, Uint32Array | Float32Array>;

/** A message as it is read. */
export interface Frame {
  /** whatever JSON holds */
  header: Record<string, unknown>;
  /** copies of their own */
  arrays: FrameArrays;
}

const TYPES = { u32: Uint32Array, f32: Float32Array } as const;

/** The bytes of a message; absent arrays are left out. */
export function frameOf(
  header: object,
  given: Readonly<Record<string, Uint32Array | Float32Array | undefined>>,
): Uint8Array {
  const arrays = Object.entries(given).filter(
    (entry): entry is [string, Uint32Array | Float32Array] => entry[1] !== undefined,
  );
  const names = arrays.map(([name, array]) => [
    name,
    array instanceof Uint32Array ? "u32" : "f32",
    array.length,
  ]);
  const json = JSON.stringify({ header, arrays: names });
  const text = Buffer.from(json.padEnd(json.length + ((4 - (Buffer.byteLength(json) % 4)) % 4)));
  const bytes = 8 + text.length + arrays.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
  const frame = new Uint8Array(bytes);
  frame.set(new Uint8Array(Uint32Array.of(bytes, text.length).buffer));
  frame.set(text, 8);
  let at = 8 + text.length;
  for (const [, { buffer, byteOffset, byteLength }] of arrays) {
    frame.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return frame;
}

/** The messages that lie one after another in some bytes. @throws {Error} they are none */
export function framesIn(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at;
    const size = left < 8 ? 0 : wordAt(bytes, at);
    if (size < 8 || size > left) throw new Error(`a frame of ${size} bytes where ${left} are left`);
    frames.push(frameIn(bytes.subarray(at, at + size)));
    at += size;
  }
  return frames;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(at);
}

function frameIn(bytes: Uint8Array): Frame {
  const length = wordAt(bytes, 4);
  if (length > bytes.length - 8) throw new Error("a frame ends within its header");
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + 8, length).toString("utf8");
  const { header, arrays: named } = JSON.parse(text) as {
    header: Frame["header"];
    arrays: [string, keyof typeof TYPES, number][];
  };
  const arrays: FrameArrays = {};
  let at = 8 + length;
  for (const [name, type, count] of named) {
    const Type = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (!Type || !Number.isSafeInteger(count) || count < 0 || 4 * count > bytes.length - at)
      throw new Error(`a frame's array '${name}' of ${count} ${type} does not lie in it`);
    // wherever the bytes lie, numbers start at a multiple of 4
    arrays[name] = new Type(Uint8Array.from(bytes.subarray(at, at + 4 * count)).buffer);
    at += 4 * count;
  }
  if (at !== bytes.length) throw new Error(`a frame has ${bytes.length - at} bytes that no array has`);
  return { header, arrays };
}
