// Splits the text of a SQL file into statements, and converts positions that DuckDB reports to positions in the file.

/** A statement of a SQL file. */
export interface SqlStatement {
  text: string;
  /** number of characters before the statement in the file */
  start: number;
}

/**
 * Text in which a semicolon does not end a statement: comments, quoted text and names, dollar quotes. Unclosed quoted
 * text extends to the end of the file, and DuckDB reports it.
 */
const WHOLE =
  /--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)|[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|;|[\s\S]/g;
const COMMENTS = /--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)/g;

/** Returns the statements that are not empty. */
export function sqlStatements(sql: string): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let start = 0;
  const end = (at: number): void => {
    const text = sql.slice(start, at);
    if (text.replaceAll(COMMENTS, "").trim() !== "") statements.push({ text, start });
  };
  for (const { 0: token, index } of sql.matchAll(WHOLE)) {
    if (token !== ";") continue;
    end(index);
    start = index + 1;
  }
  end(sql.length);
  return statements;
}

/** Returns the first words of a statement in upper case; comments are skipped. */
export function firstWords(text: string): string {
  return text.replaceAll(COMMENTS, " ").trim().replaceAll(/\s+/g, " ").slice(0, 200).toUpperCase();
}

/**
 * Converts a position in a statement to line and column of the file, counted from 1.
 *
 * @param bytes number of bytes of the statement before the position
 */
export function placeInFile(
  sql: string,
  { text, start }: SqlStatement,
  bytes: number,
): { line: number; column: number } {
  const before = sql.slice(0, start) + Buffer.from(text, "utf8").subarray(0, bytes).toString("utf8");
  const lines = before.split("\n");
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}
