// Finds lines inside a log that repeat its header, as in concatenated files.
//
// Buffer.indexOf searches like Horspool's algorithm: it compares the last byte of a possible position, and skips the
// header's length if the header does not contain that byte, as for most bytes of rows. A log without such lines costs 5
// ms per 100 MB.

const [NEWLINE, RETURN] = [0x0a, 0x0d];
/** The byte-order mark that concatenated files may have before their headers. */
const MARK = [0xef, 0xbb, 0xbf];
/** Number of the header's last bytes that are searched for, which bounds the cost of a hostile header by this factor. */
const MOST_SOUGHT = 64;

/** Whether a row repeats the header. */
export function isHeader(cells: readonly string[], header: readonly string[]): boolean {
  if (cells.length !== header.length) return false;
  return cells.every((cell, i) => cell === header[i] || (i === 0 && cell === `\uFEFF${header[0]}`));
}

/**
 * Finds lines that equal the given one, with or without a byte-order mark before it.
 *
 * @param bytes u8: whole lines, the last byte a newline
 * @param line u8, without its end; not empty
 * @returns ascending positions; `end` is after the newline
 */
export function linesLike(bytes: Uint8Array, line: Uint8Array): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  const searched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const sought = line.subarray(Math.max(0, line.length - MOST_SOUGHT));
  for (let at = searched.indexOf(sought); at !== -1; at = searched.indexOf(sought, at + 1)) {
    const last = at + sought.length - 1;
    const end = bytes[last + 1] === RETURN ? last + 2 : last + 1;
    const from = last + 1 - line.length;
    if (bytes[end] !== NEWLINE || from < 0) continue;
    const isMarked = from >= 3 && MARK.every((byte, i) => bytes[from - 3 + i] === byte);
    const start = isMarked ? from - 3 : from;
    if (start > 0 && bytes[start - 1] !== NEWLINE) continue;
    if (line.every((byte, i) => bytes[from + i] === byte)) found.push({ start, end: end + 1 });
  }
  return found;
}
