// Sorting by time in linear time: a radix sort of 16 bits a pass.

/**
 * Positions in ascending order of their times; equal times keep their order.
 *
 * A pass over a digit that all times share is skipped: milliseconds of a few years take three passes, sorted times none.
 *
 * @param times f64[n], none NaN; overwritten
 * @returns u32[n]
 */
export function timeOrder(times: Float64Array): Uint32Array {
  const n = times.length;
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  if (isAscending(times)) return order;

  const digits = sortableDigits(times);
  let sorted = new Uint32Array(n);
  for (let d = 0; d < 4; d++) {
    // starts[v]: where the first position whose digit is v goes
    const starts = new Uint32Array(65537);
    for (let at = d; at < 4 * n; at += 4) starts[digits[at]! + 1]!++;
    if (starts[digits[d]! + 1] === n) continue;
    for (let v = 0; v < 65536; v++) starts[v + 1]! += starts[v]!;
    for (let i = 0; i < n; i++) {
      const position = order[i]!;
      sorted[starts[digits[4 * position + d]!]!++] = position;
    }
    [order, sorted] = [sorted, order];
  }
  return order;
}

function isAscending(times: Float64Array): boolean {
  for (let i = 1; i < times.length; i++) if (!(times[i - 1]! <= times[i]!)) return false;
  return true;
}

/** The same memory as u16[n][4], least significant digit first: whole numbers that ascend as the times do. */
function sortableDigits(times: Float64Array): Uint16Array {
  // 0 and -0 are one time
  for (let i = 0; i < times.length; i++) times[i]! += 0;
  const words = new Uint32Array(times.buffer, times.byteOffset, 2 * times.length);
  for (let high = 1; high < words.length; high += 2) {
    // the bits of a positive number ascend with it, those of a negative one descend
    if (words[high]! < 0x80000000) words[high]! ^= 0x80000000;
    else {
      words[high] = ~words[high]!;
      words[high - 1] = ~words[high - 1]!;
    }
  }
  return new Uint16Array(words.buffer, words.byteOffset, 2 * words.length);
}
