// Cells of text that a program on an executor prints: tabs separate cells, and line ends separate rows.

/** Returns a cell in which the characters that separate cells and lines are escaped. */
export function escapedCell(cell: string): string {
  return cell.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character]!);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\b", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** The expression that undoes escapedCell; few cells have an escape. */
export function unescaped(column: string): string {
  const replaced = ["t", "n", "r", "b"].reduce(
    (text, letter) => `replace(${text}, concat(char(92), '${letter}'), char(${CODES[letter]!}))`,
    column,
  );
  return `CASE WHEN contains(${column}, char(92)) THEN ${replaced} ELSE ${column} END`;
}

const CODES: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, b: 92 };
