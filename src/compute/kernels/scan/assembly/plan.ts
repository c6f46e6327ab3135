/** The code of an empty cell. */
export const MISSING: u32 = 0xffffffff;

/** Code of a key that has no code yet; all codes are below it. */
export const UNKNOWN: u32 = 0x80000000;

export class Table {
  /** u8[numSlots * 16]: hash table with linear probing; each slot has tag u64, length u32, code + 1 u32 (0: free) */
  slots: usize;
  /** numSlots - 1, a power of two less 1 */
  mask: u32;
  size: u32;
  /** the keys one after another */
  keys: usize;
  keysLength: u32;
  /** u32[size + 1]: key c is keys[offsets[c] .. offsets[c + 1]) */
  offsets: usize;
}
