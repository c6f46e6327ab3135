// The struct of the scanner, and codes with a special meaning.

/** The code of an empty cell. */
export const MISSING: u32 = 0xffffffff;

/** The code of a key that has none yet; codes are below it. */
export const UNKNOWN: u32 = 0x80000000;

/** The distinct keys of one column. */
export class Table {
  /** u8[numSlots * 16]: tag u64, length u32, code + 1 u32 (0: free); linear probing */
  slots: usize;
  /** numSlots - 1, a power of two less one */
  mask: u32;
  /** number of keys */
  size: u32;
  /** their bytes, one after another */
  keys: usize;
  keysLength: u32;
  /** u32[size + 1]: key c is keys[offsets[c] .. offsets[c + 1]) */
  offsets: usize;
}
