// Cells of text that a program on an executor prints: tabs separate cells, and line ends separate rows.

/** Returns a cell in which the characters that separate cells and lines are escaped. */
export function escapedCell(cell: string): string {
  return cell.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES.get(character)!);
}

const ESCAPES = new Map([
  ["\\", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\r", "\\r"],
]);

/** The expression that undoes escapedCell; few cells have an escape. */
export function unescaped(column: string): string {
  const replaced = CODES.reduce(
    (text, [letter, code]) => `replace(${text}, concat(char(92), '${letter}'), char(${code}))`,
    column,
  );
  return `CASE WHEN contains(${column}, char(92)) THEN ${replaced} ELSE ${column} END`;
}

/** The escaped characters; the backslash is the last, because the escapes of the others have one. */
const CODES = [
  ["t", 9],
  ["n", 10],
  ["r", 13],
  ["b", 92],
] as const;
