// Writes rows as lines of text: copies keys, and writes numbers in the format of export/files/byte-writer.ts, the
// reference in JavaScript.
//
//   line = for each column its head (the bytes before the cell) and its cell, then the tail
//
// All addresses are byte offsets. Texts are copied 8 bytes at a time, so up to 7 bytes after the end of a text are
// read, and up to 7 bytes after the end of a line are written.

/**
 * A column: either texts, each stored after its head (the bytes before a cell), or numbers. Fields of the other kind
 * are 0.
 */
@unmanaged
class Column {
  isText!: u32;
  /** bytes before each number */
  head!: usize;
  headLength!: u32;
  /** the texts one after another; u32[last + 2]: offset of each, and end of the last */
  texts!: usize;
  offsets!: usize;
  /** u32[rows]: text of each row; 0 if row r has text r */
  places!: usize;
  /** the last text, which rows with a greater index have */
  last!: u32;
  /** u32[rows]; 0 without integers */
  counts!: usize;
  /** f32[rows]; 0 without floats */
  floats!: usize;
}

/** Bytes that must be free after a text: a number has at most 16, and copies write beyond the end. */
const SLACK: usize = 64;

const POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]);
const TENS = memory.data<u32>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000]);

const EPSILON: f64 = 2.220446049250313e-16;

/**
 * Writes the lines of rows [first, last) until a line does not fit before `end`, or has a number that JavaScript must
 * write: one that is not finite, or whose absolute value is neither 0 nor in [1e-5, 1e9).
 *
 * @param columns Column[numColumns]
 * @param report  address of a u32, to which the end of the written bytes is stored
 * @returns the first row that was not written
 */
export function writeRows(
  columns: usize,
  numColumns: u32,
  tail: usize,
  tailLength: u32,
  first: u32,
  last: u32,
  out: usize,
  end: usize,
  report: usize,
): u32 {
  const stop = columns + numColumns * offsetof<Column>();
  let row = first;
  for (; row < last; row++) {
    let at = out;
    let isWritten = true;
    for (let c = columns; c < stop; c += offsetof<Column>()) {
      const column = changetype<Column>(c);
      if (column.isText) {
        const place = column.places ? min(load<u32>(column.places + ((<usize>row) << 2)), column.last) : row;
        const bounds = column.offsets + ((<usize>place) << 2);
        const from = load<u32>(bounds);
        const length = load<u32>(bounds + 4) - from;
        if (at + length + SLACK > end) {
          isWritten = false;
          break;
        }
        at = copy(at, column.texts + from, length);
        continue;
      }
      if (at + column.headLength + SLACK > end) {
        isWritten = false;
        break;
      }
      at = copy(at, column.head, column.headLength);
      if (column.counts) {
        at = putDigits(at, load<u32>(column.counts + ((<usize>row) << 2)));
        continue;
      }
      const value = load<f32>(column.floats + ((<usize>row) << 2));
      const size = abs<f64>(value);
      if (size != 0 && !(size >= 1e-5 && size < 1e9)) {
        isWritten = false;
        break;
      }
      if (reinterpret<u32>(value) >> 31) store<u8>(at++, 45);
      if (size == 0) store<u8>(at++, 48);
      else at = putFloat(at, size);
    }
    if (!isWritten || at + tailLength + SLACK > end) break;
    out = copy(at, tail, tailLength);
  }
  store<u32>(report, u32(out));
  return row;
}

/** @returns the end of the copy */
function copy(at: usize, from: usize, length: u32): usize {
  for (let i: usize = 0; i < length; i += 8) store<u64>(at + i, load<u64>(from + i));
  return at + length;
}

function putDigits(at: usize, value: u32): usize {
  return putLast(at, value, numDigits(value));
}

/** Writes the last `count` digits of a number. @returns the end of the digits */
function putLast(at: usize, value: u32, count: u32): usize {
  for (let to = at + count; to > at;) {
    const tenth = value / 10;
    store<u8>(--to, u8(48 + value - 10 * tenth));
    value = tenth;
  }
  return at + count;
}

function numDigits(value: u32): u32 {
  let count: u32 = 1;
  while (count < 10 && value >= load<u32>(TENS + ((<usize>count) << 2))) count++;
  return count;
}

function power(exponent: i32): f64 {
  return load<f64>(POWERS + ((<usize>exponent) << 3));
}

/**
 * Writes the shortest decimal, of at most 9 digits, that is read back as the same f32.
 * @param v number in [1e-5, 1e9)
 */
function putFloat(at: usize, v: f64): usize {
  // computes the exponent in v = 0.ddd * 10^places
  let places: i32 = 0;
  if (v >= 1) places = numDigits(u32(v));
  else while (v * power(1 - places) < 1) places--;
  const isPowerOfTwo = (reinterpret<u32>(f32(v)) & 0x7fffff) == 0;
  let p: i32 = isPowerOfTwo ? 6 : 8;
  while (p < 9 && !readsBackBy(v, p - places)) p++;
  while (p == 8 || p == 7) {
    if (!readsBackBy(v, p - 1 - places)) break;
    p--;
  }
  let s: i32 = max(0, p - places);
  let digits = u32(rounded(v * power(s)));
  while (s > 0) {
    const tenth = digits / 10;
    if (tenth * 10 != digits) break;
    digits = tenth;
    s--;
  }
  if (s == 0) return putDigits(at, digits);
  let whole: u32 = 0;
  if (s < 10) {
    const ten = load<u32>(TENS + ((<usize>s) << 2));
    whole = digits / ten;
    digits -= whole * ten;
  }
  at = putDigits(at, whole);
  store<u8>(at++, 46);
  return putLast(at, digits, s);
}

function readsBackBy(v: f64, decimals: i32): bool {
  const ten = power(max(0, decimals));
  const decimal = rounded(v * ten) / ten;
  return f32(decimal * (1 + EPSILON)) == f32(v) && f32(decimal * (1 - EPSILON)) == f32(v);
}

/** Returns a number rounded as by Math.round; x must not be negative. */
function rounded(x: f64): f64 {
  const whole = floor(x);
  return x - whole >= 0.5 ? whole + 1 : whole;
}
