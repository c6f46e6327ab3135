// Keys that are to be forgotten.

/** Keys by field; a field is a column's name or, as the user asks, `user` or `item` for the column in that role. */
export type AskedKeys = ReadonlyMap<string, ReadonlySet<string>>;

/** All keys, whatever their field. */
export function allKeys(asked: AskedKeys): string[] {
  return [...new Set([...asked.values()].flatMap((keys) => [...keys]))];
}
