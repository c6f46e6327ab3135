// Finds the ends of records in bytes, so that a file can be split into chunks that are parsed independently.
//
// A record is a line, unless a quoted cell contains a newline. The rules are papaparse's: a quote opens a cell only as
// its first byte, "" inside is a quote, and the closing quote may be followed by white space before the delimiter or
// the line end; any other quote is data. Lines end with \n; a \r before it belongs to the line end.

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;

/** The syntax by which bytes are split into records and cells. */
export interface Dialect {
  /** the character between two cells, one ASCII character */
  delimiter: string;
  /** the delimiter as it is in the file, if it has several characters and `delimiter` replaces it (separator.ts) */
  written?: string;
  /** lines that start with this text are skipped; undefined: no comments */
  comment: string | undefined;
  /** maximum number of bytes of a quoted cell */
  maxCell: number;
}

/** The end of a record, or the reason why the end was not found. */
export interface RecordEnd {
  /** index after the newline of the record; -1 if these bytes do not contain it */
  end: number;
  /** true if the record has a quoted cell */
  quoted: boolean;
  /** index of the opening quote of a cell that does not end here, or exceeds maxCell; -1 if there is none */
  openQuote: number;
}

export function recordEnd(bytes: Uint8Array, start: number, dialect: Dialect): RecordEnd {
  const delimiter = dialect.delimiter.charCodeAt(0);
  let quoted = false;
  for (let cell = start; ;) {
    let separator: number;
    if (bytes[cell] === QUOTE) {
      quoted = true;
      separator = quotedCellEnd(bytes, cell, delimiter);
      if (separator === -1 || separator - cell > dialect.maxCell) return { end: -1, quoted, openQuote: cell };
    } else {
      separator = cell;
      while (separator < bytes.length && bytes[separator] !== delimiter && bytes[separator] !== NEWLINE)
        separator++;
    }
    if (separator >= bytes.length) return { end: -1, quoted, openQuote: -1 };
    if (bytes[separator] === NEWLINE) return { end: separator + 1, quoted, openQuote: -1 };
    cell = separator + 1;
  }
}

/** Returns the index of the delimiter or newline after the quoted cell at `open`; -1 if it is not closed here. */
function quotedCellEnd(bytes: Uint8Array, open: number, delimiter: number): number {
  for (let quote = bytes.indexOf(QUOTE, open + 1); quote !== -1; quote = bytes.indexOf(QUOTE, quote + 1)) {
    const after = bytes[quote + 1];
    if (after === undefined) return -1;
    if (after === QUOTE) {
      quote++;
      continue;
    }
    if (after === delimiter || after === NEWLINE) return quote + 1;
    if (!startsWhiteSpace(after)) continue;
    // skips white space up to the separator by whole characters, because papaparse trims Unicode white space
    let separator = quote + 1;
    while (separator < bytes.length && bytes[separator] !== delimiter && bytes[separator] !== NEWLINE)
      separator++;
    if (separator === bytes.length) return -1;
    if (decodedUtf8(bytes.subarray(quote + 1, separator)).trim() === "") return separator;
  }
  return -1;
}

/** Whether a byte can be the first of a white-space character in UTF-8. */
function startsWhiteSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || [0xc2, 0xe1, 0xe2, 0xe3, 0xef].includes(byte);
}

/** A position that splits bytes so that only whole records precede it. */
export interface Cut {
  /** index after the newline of the last whole record; 0 if there is none */
  end: number;
  /** runs of records with a quoted cell before this position: alternating starts and ends, ascending */
  quoted: number[];
  /** index of the opening quote of an unclosed or too large cell in the record at `end`; -1 if there is none */
  openQuote: number;
}

/** Returns the last position at which records can be split; skips lines without a quote at memchr's speed. */
export function lastCut(bytes: Uint8Array, dialect: Dialect): Cut {
  // Buffer.lastIndexOf uses memchr; the method of typed arrays takes five times as long
  const searched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const quoted: number[] = [];
  for (let at = 0; ;) {
    const quote = searched.indexOf(QUOTE, at);
    if (quote === -1) return { end: Math.max(at, searched.lastIndexOf(NEWLINE) + 1), quoted, openQuote: -1 };
    // the line with the next quote begins here; all lines before it are whole records
    const start = Math.max(at, searched.lastIndexOf(NEWLINE, quote) + 1);
    if (startsComment(bytes, start, dialect)) {
      at = searched.indexOf(NEWLINE, quote) + 1;
      if (at === 0) return { end: start, quoted, openQuote: -1 };
      continue;
    }
    const record = recordEnd(bytes, start, dialect);
    if (record.end === -1) return { end: start, quoted, openQuote: record.openQuote };
    at = record.end;
    if (!record.quoted) continue;
    if (quoted.at(-1) === start) quoted[quoted.length - 1] = at;
    else quoted.push(start, at);
  }
}

/** Replaces \r\n at the ends of records by \n, but not inside quoted cells. Returns the same bytes without a \r. */
export function withoutReturns(bytes: Uint8Array, dialect: Dialect): Uint8Array {
  if (!bytes.includes(RETURN)) return bytes;
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let start = 0; start < bytes.length;) {
    let { end } = startsComment(bytes, start, dialect) ? { end: -1 } : recordEnd(bytes, start, dialect);
    if (end === -1) end = bytes.indexOf(NEWLINE, start) + 1 || bytes.length;
    const hasReturn = bytes[end - 1] === NEWLINE && end - 2 >= start && bytes[end - 2] === RETURN;
    out.set(bytes.subarray(start, hasReturn ? end - 2 : end), length);
    length += end - start - (hasReturn ? 2 : 0);
    if (hasReturn) out[length++] = NEWLINE;
    start = end;
  }
  return out.subarray(0, length);
}

export function startsComment(bytes: Uint8Array, start: number, { comment }: Dialect): boolean {
  if (comment === undefined) return false;
  return decodedUtf8(bytes.subarray(start, start + Buffer.byteLength(comment))) === comment;
}

/** Returns the number of newlines in bytes[from, to), which is the number of physical lines that end there. */
export function countLines(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE, from); at !== -1 && at < to; at = bytes.indexOf(NEWLINE, at + 1))
    lines++;
  return lines;
}

/** Decodes UTF-8; a byte-order mark inside the text is an ordinary character. */
export function decodedUtf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}
