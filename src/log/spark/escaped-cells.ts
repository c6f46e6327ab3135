// Escapes the text of cells that a program on an executor prints: tabs separate the cells, and line ends the rows.

/** Separators within a line that contains a whole list: between the cells of a row, and between rows. */
export const [BETWEEN_CELLS, BETWEEN_ROWS] = ["\u0001", "\u0002"];

/** Returns a cell in which the characters that separate cells and lines are escaped. */
export function escapedCell(cell: string): string {
  return cell.replaceAll(/[\\\p{Cc}]/gu, (character) => ESCAPES.get(character) ?? character);
}

const ESCAPES = new Map([
  ["\\", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\u0001", "\\c"],
  ["\u0002", "\\l"],
]);

/** Returns a SQL expression that reverses escapedCell; it is fast if a cell has no escape, as most do. */
export function unescaped(column: string): string {
  const replaced = CODES.reduce(
    (text, [letter, code]) => `replace(${text}, concat(char(92), '${letter}'), char(${code}))`,
    column,
  );
  return `CASE WHEN contains(${column}, char(92)) THEN ${replaced} ELSE ${column} END`;
}

/** Escape letter and code of each escaped character; the backslash is last, as other escapes contain it. */
const CODES = [
  ["t", 9],
  ["n", 10],
  ["r", 13],
  ["c", 1],
  ["l", 2],
  ["b", 92],
] as const;
