// Offsets into other arrays, as files hold them: checked before a loop runs from one to the next.

/**
 * What is wrong with offsets that are to ascend from 0 to an end; undefined when nothing is.
 *
 * @param offsets u32
 * @param end the last one; any that is at most this when `exact` is false
 */
export function wrongOffsets(offsets: Uint32Array, end: number, exact = true): string | undefined {
  if (offsets.length === 0 || offsets[0] !== 0) return "offsets do not begin at 0";
  for (let i = 1; i < offsets.length; i++)
    if (offsets[i]! < offsets[i - 1]!) return `offset ${i} is ${offsets[i]}, less than the one before`;
  const last = offsets.at(-1)!;
  return last > end || (exact && last < end) ? `offsets end at ${last} of ${end}` : undefined;
}

/** What is wrong with numbers that are all to be less than a bound; undefined when nothing is. */
export function wrongIds(ids: Uint32Array, bound: number): string | undefined {
  for (let i = 0; i < ids.length; i++)
    if (ids[i]! >= bound) return `entry ${i} is ${ids[i]}, there are ${bound}`;
  return undefined;
}
