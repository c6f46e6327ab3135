// The scanner: converts the cells of a log, which must not be quoted, to codes of keys and to numbers, a range of whole
// lines at a time.
//
//   bounds  u32[numRows][numColumns + 1]: offset of a row's first byte, then of the end of each of its cells;
//           cell c is [bounds[c] + 1, bounds[c + 1]), the first one starts at bounds[0]
//
// Pointers are byte offsets into the memory. The caller reserves space before a range is scanned, so no function here
// allocates memory. Up to 16 bytes after the input may be read, without any effect. Twin: ../scan.reference.ts.

import { MISSING, Table, UNKNOWN } from "./plan";

export { codesOfIndices, meet, textBounds, uncompress, unpack } from "./pages";

const NEWLINE: u32 = 0x0a;
const RETURN: u32 = 0x0d;

/**
 * Finds the cells of the lines in [start, end). Skips blank lines, comments, and ragged rows, whose number of cells is
 * not numColumns.
 *
 * @param start       first byte of a line
 * @param end         after a newline
 * @param comment     bytes at the start of a comment line
 * @param commentLength 0: there are no comments
 * @param bounds      room for (end - start) / max(2, numColumns) + 1 rows, which is one more than the maximum
 * @param lines       u32, room for as many rows: index of each row's physical line; the line at start has 0
 * @param report u32[5]: number of lines, number of ragged rows, and the first ragged row's offset, line and number of
 *   cells
 * @returns the number of rows
 */
export function indexRows(
  start: usize,
  end: usize,
  delimiter: u32,
  numColumns: u32,
  comment: usize,
  commentLength: u32,
  bounds: usize,
  lines: usize,
  report: usize,
): u32 {
  const delimiters = i8x16.splat(<i8>delimiter);
  const newlines = i8x16.splat(<i8>NEWLINE);
  const stride: usize = (<usize>numColumns + 1) << 2;

  let rowStart = start;
  let row = bounds; // address of the cells' bounds for the row that begins at rowStart
  let numRows: u32 = 0;
  let numCells: u32 = 0; // number of cells of this row whose end has been found
  let line: u32 = 0;
  let numRagged: u32 = 0;
  store<u32>(row, <u32>rowStart);

  for (let block = start; block < end; block += 16) {
    const bytes = v128.load(block);
    let separators: u32 = i8x16.bitmask(v128.or(i8x16.eq(bytes, delimiters), i8x16.eq(bytes, newlines)));
    if (block + 16 > end) separators &= ((1 as u32) << u32(end - block)) - 1;

    while (separators) {
      const at = block + ctz(separators);
      separators &= separators - 1;
      if (load<u8>(at) != NEWLINE) {
        // this byte ends a cell; if the row has more cells than columns, the additional ones are only counted
        numCells++;
        if (numCells <= numColumns) store<u32>(row + ((<usize>numCells) << 2), <u32>at);
        continue;
      }
      // this byte ends a row; a \r before the newline is part of the line end
      const cellsEnd = at > rowStart && load<u8>(at - 1) == RETURN ? at - 1 : at;
      numCells++;
      const isBlank = cellsEnd == rowStart;
      if (!isBlank && !startsWith(rowStart, at, comment, commentLength)) {
        if (numCells == numColumns) {
          store<u32>(row + ((<usize>numCells) << 2), <u32>cellsEnd);
          store<u32>(lines + ((<usize>numRows) << 2), line);
          numRows++;
          row += stride;
        } else {
          if (numRagged == 0) {
            store<u32>(report + 8, <u32>rowStart);
            store<u32>(report + 12, line);
            store<u32>(report + 16, numCells);
          }
          numRagged++;
        }
      }
      line++;
      numCells = 0;
      rowStart = at + 1;
      store<u32>(row, <u32>rowStart);
    }
  }
  store<u32>(report, line);
  store<u32>(report + 4, numRagged);
  return numRows;
}

function startsWith(start: usize, end: usize, mark: usize, length: u32): bool {
  if (length == 0 || end - start < length) return false;
  for (let i: usize = 0; i < length; i++) {
    if (load<u8>(start + i) != load<u8>(mark + i)) return false;
  }
  return true;
}

/**
 * Writes the code of each cell, MISSING for an empty one; a new key gets the next code.
 *
 * Cell i is [base + bounds_i + gap, base + bounds_i+1) with bounds_i at bounds + i * stride: a column of indexRows
 * (base 0, gap 1 except for the first column), or a dictionary's keys (stride 4, gap 0).
 *
 * @param table table with room for numCells more keys, at half load, and for their bytes
 * @param codes u32[numCells]
 */
export function internCells(
  table: Table,
  base: usize,
  bounds: usize,
  stride: usize,
  gap: usize,
  numCells: u32,
  codes: usize,
): void {
  const slots = table.slots;
  const mask = table.mask;
  const end = codes + ((<usize>numCells) << 2);
  for (; codes < end; codes += 4, bounds += stride) {
    const key = base + load<u32>(bounds) + gap;
    const len = u32(base + load<u32>(bounds + 4) - key);
    if (len == 0) {
      store<u32>(codes, MISSING);
      continue;
    }
    const tag = tagOf(key, len);
    let code: u32 = 0;
    for (let i = slotOf(tag, len) & mask; ; i = (i + 1) & mask) {
      const slot = slots + ((<usize>i) << 4);
      code = load<u32>(slot + 12);
      if (code == 0) {
        code = append(table, slot, tag, key, len);
        break;
      }
      if (load<u64>(slot) != tag || load<u32>(slot + 8) != len) continue;
      if (len <= 8 || isKey(table, code - 1, key, len)) break;
    }
    store<u32>(codes, code - 1);
  }
}

/** Stores a new key in a free slot. @returns the key's code + 1 */
function append(table: Table, slot: usize, tag: u64, key: usize, len: u32): u32 {
  const code = table.size;
  const used = table.keysLength;
  memory.copy(table.keys + used, key, len);
  store<u32>(table.offsets + ((<usize>code + 1) << 2), used + len);
  table.size = code + 1;
  table.keysLength = used + len;
  store<u64>(slot, tag);
  store<u32>(slot + 8, len);
  // stores the code last, so that findCells on another thread does not see an incomplete slot
  atomic.store<u32>(slot + 12, code + 1);
  return code + 1;
}

/**
 * Writes the code of each cell, MISSING for an empty one and UNKNOWN for a key that is not in the table. Other threads
 * may call it while internCells adds keys; whether they find these keys depends on timing. The table must not be moved
 * meanwhile.
 *
 * Parameters are documented at `internCells`.
 * @returns number of codes that are UNKNOWN
 */
export function findCells(
  table: Table,
  base: usize,
  bounds: usize,
  stride: usize,
  gap: usize,
  numCells: u32,
  codes: usize,
): u32 {
  const slots = table.slots;
  const mask = table.mask;
  let numUnknown: u32 = 0;
  const end = codes + ((<usize>numCells) << 2);
  for (; codes < end; codes += 4, bounds += stride) {
    const key = base + load<u32>(bounds) + gap;
    const len = u32(base + load<u32>(bounds + 4) - key);
    if (len == 0) {
      store<u32>(codes, MISSING);
      continue;
    }
    const tag = tagOf(key, len);
    let found = UNKNOWN;
    for (let i = slotOf(tag, len) & mask; ; i = (i + 1) & mask) {
      const slot = slots + ((<usize>i) << 4);
      const code = atomic.load<u32>(slot + 12);
      if (code == 0) break;
      if (load<u64>(slot) != tag || load<u32>(slot + 8) != len) continue;
      if (len <= 8 || isKey(table, code - 1, key, len)) {
        found = code - 1;
        break;
      }
    }
    store<u32>(codes, found);
    numUnknown += u32(found == UNKNOWN);
  }
  return numUnknown;
}

/** Compares a key of more than 8 bytes with that of a code; both must have the same length. */
function isKey(table: Table, code: u32, key: usize, len: u32): bool {
  const offset = load<u32>(table.offsets + ((<usize>code) << 2));
  const other = table.keys + offset;
  const last: usize = len - 8;
  for (let i: usize = 0; i < last; i += 8) {
    if (load<u64>(key + i) != load<u64>(other + i)) return false;
  }
  return load<u64>(key + last) == load<u64>(other + last);
}

/** Copies the entries of old slots to free new ones; keys keep their codes. */
export function rehash(oldSlots: usize, numOldSlots: u32, slots: usize, mask: u32): void {
  const end = oldSlots + ((<usize>numOldSlots) << 4);
  for (let old = oldSlots; old < end; old += 16) {
    if (load<u32>(old + 12) == 0) continue;
    let i = slotOf(load<u64>(old), load<u32>(old + 8)) & mask;
    while (load<u32>(slots + ((<usize>i) << 4) + 12) != 0) i = (i + 1) & mask;
    v128.store(slots + ((<usize>i) << 4), v128.load(old));
  }
}

const powersOf10 = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
]);

/**
 * Parses a number of at most eight digits with at most one point, without a loop; NaN for any other text.
 *
 * Source of the sum over digits: Langdale and Lemire 2019 (doi:10.1007/s00778-019-00578-5), section 3.1.6.
 */
function shortNumber(p: usize, end: usize): f64 {
  const length = <u64>(end - p);
  if (length - 1 > 7) return NaN;
  // shifts the text so that its last byte is the highest, and fills the front with the digit 0
  let bytes = (load<u64>(p) << (64 - 8 * length)) | ((0x3030303030303030 >> 8) >> (8 * length - 8));
  // removes the decimal point by shifting the bytes before it
  const other = bytes ^ 0x2e2e2e2e2e2e2e2e;
  const points = (other - 0x0101010101010101) & ~other & 0x8080808080808080;
  let places: usize = 0;
  if (points != 0) {
    if (length == 1) return NaN;
    const at = ctz(points) - 7;
    bytes = ((((bytes >> at) >> 8) << at) << 8) | ((bytes & (((<u64>1) << at) - 1)) << 8) | 0x30;
    places = <usize>((56 - at) >> 3);
  }
  const isDigits =
    ((bytes & 0xf0f0f0f0f0f0f0f0) | (((bytes + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) ==
    0x3333333333333333;
  if (!isDigits) return NaN;
  bytes = ((bytes & 0x0f0f0f0f0f0f0f0f) * 2561) >> 8;
  bytes = ((bytes & 0x00ff00ff00ff00ff) * 6553601) >> 16;
  const digits = ((bytes & 0x0000ffff0000ffff) * 42949672960001) >> 32;
  return <f64>digits / load<f64>(powersOf10 + (places << 3));
}

/**
 * Writes the numbers of a column's cells: NaN for an empty cell and for one that is left to the caller.
 *
 * Numbers are exact: the digits make an integer up to 2^53 and the power of ten is at most 22, so one
 * correctly rounded multiplication or division gives the nearest f64. Source: Clinger 1990 (doi:10.1145/93542.93557).
 *
 * @param bounds, stride, gap, numCells as for internCells with base 0
 * @param values f64[numCells]
 * @param rest   u32, room for numCells: indexes of the cells that the caller must parse, ascending
 * @returns number of these cells
 */
export function parseCells(
  bounds: usize,
  stride: usize,
  gap: usize,
  numCells: u32,
  values: usize,
  rest: usize,
): u32 {
  let numRest: u32 = 0;
  for (let row: u32 = 0; row < numCells; row++, bounds += stride, values += 8) {
    let p: usize = <usize>load<u32>(bounds) + <usize>gap;
    const end: usize = load<u32>(bounds + 4);
    store<f64>(values, NaN);
    if (p == end) continue;

    // skips the sign without a branch, because signs are unpredictable
    const sign = load<u8>(p);
    p += usize(u32(sign == 0x2d) | u32(sign == 0x2b));
    const short = shortNumber(p, end);
    if (short == short) {
      store<f64>(values, sign == 0x2d ? -short : short);
      continue;
    }
    // parses digits with at most one point; more than 18 significant digits would overflow
    let digits: u64 = 0;
    let numDigits = 0; // number of significant digits
    let anyDigit = false;
    let exponent = 0;
    let afterPoint = false;
    for (; p < end; p++) {
      const byte: u32 = load<u8>(p);
      const digit = byte - 0x30;
      if (digit <= 9) {
        anyDigit = true;
        if (numDigits > 0 || digit > 0) numDigits++;
        if (numDigits > 18) break;
        digits = digits * 10 + digit;
        if (afterPoint) exponent--;
      } else if (byte == 0x2e && !afterPoint) {
        afterPoint = true;
      } else {
        break;
      }
    }
    // parses an exponent of up to three digits
    if (anyDigit && p < end && (load<u8>(p) | 0x20) == 0x65) {
      let e = p + 1;
      const expSign = e < end ? <u32>load<u8>(e) : 0;
      if (expSign == 0x2d || expSign == 0x2b) e++;
      let power = 0;
      const first = e;
      for (; e < end && e - first < 3; e++) {
        const digit = <u32>load<u8>(e) - 0x30;
        if (digit > 9) break;
        power = power * 10 + <i32>digit;
      }
      if (e > first) {
        p = e;
        exponent += expSign == 0x2d ? -power : power;
      }
    }
    if (p != end || !anyDigit || digits > 9007199254740992 || exponent < -22 || exponent > 22) {
      store<u32>(rest + ((<usize>numRest) << 2), row);
      numRest++;
      continue;
    }
    let value = <f64>digits;
    if (exponent < 0) value /= load<f64>(powersOf10 + ((<usize>-exponent) << 3));
    else value *= load<f64>(powersOf10 + ((<usize>exponent) << 3));
    store<f64>(values, sign == 0x2d ? -value : value);
  }
  return numRest;
}

// Hashing of keys affects only the speed of a lookup, never the code of a key.

const K: u64 = 0x9e3779b97f4a7c15; // odd integer next to 2^64 / golden ratio

/**
 * Returns the tag of a key: its bytes if they are at most 8 (equal tags of equal lengths then mean equal keys), else a
 * hash of all bytes, 8 at a time.
 *
 * Reads 8 bytes from `key` even if it is shorter.
 *
 * @param len number of bytes of the key, at least 1
 */
function tagOf(key: usize, len: u32): u64 {
  if (len <= 8) return load<u64>(key) & (u64.MAX_VALUE >> ((8 - len) << 3));
  const last = key + len - 8;
  let h: u64 = len;
  for (let p = key; p < last; p += 8) {
    h = (h ^ load<u64>(p)) * K;
    h ^= h >> 29;
  }
  h = (h ^ load<u64>(last)) * K; // the last eight bytes may overlap the block before
  return h ^ (h >> 32);
}

/**
 * Hashes a tag to 32 bits. It multiplies twice, because after one multiplication the low bits do not depend on the high
 * bits.
 */
function slotOf(tag: u64, len: u32): u32 {
  let h = (tag ^ ((<u64>len) << 59)) * K;
  h = (h ^ (h >> 32)) * K;
  return <u32>(h >> 32);
}
