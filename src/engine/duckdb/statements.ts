// Splits the text of a file with SQL into statements, and finds where DuckDB's positions are in it.

/** A statement of a file. */
export interface SqlStatement {
  text: string;
  /** characters before it in the file */
  start: number;
}

/**
 * Text in which a semicolon does not end a statement: comments, quoted text and names, dollar quotes. A quote that is
 * not closed goes on to the end, where DuckDB reports it.
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

/** Returns the statement's first words in upper case, without comments. */
export function firstWords(text: string): string {
  return text.replaceAll(COMMENTS, " ").trim().replaceAll(/\s+/g, " ").slice(0, 200).toUpperCase();
}

/** Returns line and column, from 1, of a position in a statement of a file. @param bytes bytes before it */
export function placeInFile(
  sql: string,
  { text, start }: SqlStatement,
  bytes: number,
): { line: number; column: number } {
  const before = sql.slice(0, start) + Buffer.from(text, "utf8").subarray(0, bytes).toString("utf8");
  const lines = before.split("\n");
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}
