// Checks offsets into other arrays that were read from files, before a loop uses them.

/**
 * Returns a description of the first error in offsets, which must ascend from 0 to `end`; undefined if there is none.
 *
 * @param offsets u32
 * @param end the last offset, or an upper bound of it if `exact` is false
 */
export function wrongOffsets(offsets: Uint32Array, end: number, exact = true): string | undefined {
  if (offsets.length === 0 || offsets[0] !== 0) return "offsets do not begin at 0";
  for (let i = 1; i < offsets.length; i++)
    if (offsets[i]! < offsets[i - 1]!) return `offset ${i} is ${offsets[i]}, less than the one before`;
  const last = offsets.at(-1)!;
  return last > end || (exact && last < end) ? `offsets end at ${last} of ${end}` : undefined;
}

/** Returns a description of the first number that is not less than `bound`; undefined if there is none. */
export function wrongIds(ids: Uint32Array, bound: number): string | undefined {
  for (let i = 0; i < ids.length; i++)
    if (ids[i]! >= bound) return `entry ${i} is ${ids[i]}, there are ${bound}`;
  return undefined;
}
