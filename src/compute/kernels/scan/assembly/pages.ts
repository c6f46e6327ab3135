// Decoding of Parquet's pages: Snappy, bit-packed integers, and texts that are preceded by their lengths.
//
// Pointers are byte offsets into the memory. Up to 16 bytes after an input may be read, and after an output be written.
// Twins: ../scan.reference.ts.

import { MISSING, UNKNOWN } from "./plan";

/** Result of uncompress() for bytes that are not Snappy, and of the others for an index beyond the dictionary. */
export const DAMAGED: u32 = 0xffffffff;

/** Codes of a dictionary's values that no row has had so far, and of values that represent a missing cell. */
export const UNSEEN: u32 = 0xfffffffe;
export const NULL: u32 = 0xfffffffd;

/**
 * Decompresses Snappy's raw format.
 *
 * Source: github.com/google/snappy, format_description.txt.
 *
 * @param end    end of the input
 * @param out    room for `length` bytes
 * @param length expected number of decompressed bytes
 * @returns length, or DAMAGED if the decompressed length differs or an offset is out of range
 */
export function uncompress(input: usize, end: usize, out: usize, length: u32): u32 {
  const outEnd = out + length;
  let p = input;
  let o = out;

  // the input starts with the decompressed length, 7 bits per byte
  let stated: u64 = 0;
  for (let shift: u64 = 0; ; shift += 7) {
    if (p >= end || shift > 28) return DAMAGED;
    const byte: u64 = load<u8>(p++);
    stated |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (stated != length) return DAMAGED;

  while (p < end) {
    const tag: u32 = load<u8>(p++);
    let size: usize;
    if ((tag & 3) == 0) {
      // a literal: its length is in the tag if it is up to 60 bytes, else in the next 1 to 4 bytes
      size = (tag >> 2) + 1;
      if (size > 60) {
        const more = size - 60;
        if (p + more > end) return DAMAGED;
        size = <usize>(load<u32>(p) & <u32>(((<u64>1) << (8 * <u64>more)) - 1)) + 1;
        p += more;
      }
      if (size > end - p || size > outEnd - o) return DAMAGED;
      if (size <= 16) v128.store(o, v128.load(p));
      else memory.copy(o, p, size);
      o += size;
      p += size;
      continue;
    }
    // a copy of earlier output, given by offset and length
    let offset: usize;
    if ((tag & 3) == 1) {
      if (p >= end) return DAMAGED;
      size = 4 + ((tag >> 2) & 7);
      offset = ((tag >> 5) << 8) | load<u8>(p);
      p += 1;
    } else {
      const more: usize = (tag & 3) == 2 ? 2 : 4;
      if (p + more > end) return DAMAGED;
      size = (tag >> 2) + 1;
      offset = more == 2 ? load<u16>(p) : load<u32>(p);
      p += more;
    }
    if (offset == 0 || offset > o - out || size > outEnd - o) return DAMAGED;
    let from = o - offset;
    const stop = o + size;
    if (offset >= 16) {
      for (; o < stop; o += 16, from += 16) v128.store(o, v128.load(from));
    } else if (offset >= 8) {
      for (; o < stop; o += 8, from += 8) store<u64>(o, load<u64>(from));
    } else {
      for (; o < stop; o++, from++) store<u8>(o, load<u8>(from));
    }
    o = stop;
  }
  return o == outEnd ? length : DAMAGED;
}

/**
 * Unpacks consecutive integers of `width` bits each, lowest bit first.
 *
 * @param bit   number of bits of the first byte before the first integer, 0 to 7
 * @param width bits per integer, 1 to 32
 * @param out   u32[count]
 */
export function unpack(at: usize, bit: u32, width: u32, count: u32, out: usize): void {
  const mask = ((<u64>1) << width) - 1;
  const end = out + ((<usize>count) << 2);
  let position: u64 = bit;
  for (; out < end; out += 4, position += width)
    store<u32>(out, <u32>((load<u64>(at + <usize>(position >> 3)) >> (position & 7)) & mask));
}

/**
 * Finds the bounds of texts in PLAIN encoding: each text is preceded by its length in 4 bytes.
 *
 * @param bounds u32[count + 1]: text i is [bytes + bounds_i + 4, bytes + bounds_i+1)
 * @returns number of complete texts before `end`, at most `count`
 */
export function textBounds(bytes: usize, end: usize, count: u32, bounds: usize): u32 {
  const length = end - bytes;
  let at: usize = 0;
  store<u32>(bounds, 0);
  for (let i: u32 = 0; i < count; i++) {
    if (length - at < 4) return i;
    const size = <usize>load<u32>(bytes + at);
    at += 4;
    if (size > length - at) return i;
    at += size;
    bounds += 4;
    store<u32>(bounds, <u32>at);
  }
  return count;
}

/**
 * Lists the values of a dictionary that occur for the first time, in the order of their first occurrence, and replaces
 * their code UNSEEN by UNKNOWN + index in the list.
 *
 * @param codes u32[size]: code of each value
 * @param met   u32, room for `count`: the list
 * @returns its length, or DAMAGED if an index is not below `size`
 */
export function meet(indices: usize, count: u32, codes: usize, size: u32, met: usize): u32 {
  const end = indices + ((<usize>count) << 2);
  const first = met;
  for (; indices < end; indices += 4) {
    const index = load<u32>(indices);
    if (index >= size) return DAMAGED;
    const code = codes + ((<usize>index) << 2);
    if (load<u32>(code) != UNSEEN) continue;
    store<u32>(code, UNKNOWN + index);
    store<u32>(met, index);
    met += 4;
  }
  return <u32>((met - first) >> 2);
}

/**
 * Writes the code of the value at each index, MISSING for NULL.
 *
 * @param out u32[count]
 * @returns number of NULL values, plus UNKNOWN if any code is unknown; UNSEEN if a value is unseen; DAMAGED if an index
 *   is not below `size`
 */
export function codesOfIndices(indices: usize, count: u32, codes: usize, size: u32, out: usize): u32 {
  const end = indices + ((<usize>count) << 2);
  let numNulls: u32 = 0;
  let unknown: u32 = 0;
  for (; indices < end; indices += 4, out += 4) {
    const index = load<u32>(indices);
    if (index >= size) return DAMAGED;
    let code = load<u32>(codes + ((<usize>index) << 2));
    if (code >= UNKNOWN) {
      if (code == UNSEEN) return UNSEEN;
      if (code == NULL) {
        numNulls++;
        code = MISSING;
      } else if (code != MISSING) unknown = UNKNOWN;
    }
    store<u32>(out, code);
  }
  return numNulls + unknown;
}
