// Parses the row filters of --where and its short form --drop, such as `Quantity > 0 and not (Country = "France" or
// InvoiceNo starts_with "C")`
//
//   expression = term { or term }        term = factor { and factor }      factor = [not] ( test | "(" expression ")" )
//   test       = column comparison literal | column [not] in "(" literal { "," literal } ")"
//              | column [not] (starts_with | ends_with | contains) text | column is [not] missing
//   comparison = "=" "==" "!=" "<>" "<" "<=" ">" ">="
//
// Every test uses one column, so that it can be evaluated once per distinct cell (where-rows.ts).

import { UsageError } from "../../base/errors.js";
import { parseNumber } from "../../log/number.js";

export interface CellTest {
  column: string;
  /** offset of the column's name in the expression, from 0 */
  at: number;
  /** true if the test compares cells with a number */
  numeric: boolean;
  /** literals with which the cells are compared, as texts */
  texts: string[];
  /** @param cell text of the cell; empty if it is missing */
  holds(cell: string): boolean;
}

/** A condition that combines tests, which are given by their indexes. */
export type Condition =
  | { kind: "test"; test: number }
  | { kind: "not"; of: Condition }
  | { kind: "and" | "or"; of: Condition[] };

export interface Where {
  source: string;
  /** flag that contains the expression, for messages */
  flag: string;
  tests: CellTest[];
  condition: Condition;
}

/** Parses the expression of a flag. @throws {UsageError} it is invalid; the message marks the character */
export function parseWhere(source: string, flag = "--where"): Where {
  const parser = new Parser(source, flag);
  return { source, flag, tests: parser.tests, condition: parser.whole() };
}

const dropTests: Record<string, (cell: string, text: string) => boolean> = {
  "^=": (cell, text) => cell.startsWith(text),
  "$=": (cell, text) => cell.endsWith(text),
  "*=": (cell, text) => cell.includes(text),
  "!=": (cell, text) => cell !== text,
  "=": (cell, text) => cell === text,
};

/**
 * Parses `InvoiceNo^=C` of --drop, which drops the rows that match: `=` equal, `!=` different, `^=` starts with, `$=`
 * ends with, `*=` contains. An empty cell is the empty text.
 *
 * @throws {UsageError} there is no column or no operator
 */
export function parseDrop(source: string): Where {
  const match = /^(.+?)(\^=|\$=|\*=|!=|=)(.*)$/su.exec(source);
  if (!match)
    throw new UsageError(
      `--drop expects COLUMN OPERATOR TEXT such as 'InvoiceNo^=C' (operators = != ^= $= *=), got '${source}'`,
    );
  const [, column = "", operator = "", text = ""] = match;
  const holds = (cell: string) => dropTests[operator]!(cell, text);
  const test: CellTest = { column, texts: [text], holds, at: 0, numeric: false };
  return { flag: "--drop", source, tests: [test], condition: { kind: "not", of: { kind: "test", test: 0 } } };
}

/** Returns the error at a character of a flag's expression, counted from 0. */
export function whereError(
  { source, flag }: Pick<Where, "source" | "flag">,
  at: number,
  problem: string,
): UsageError {
  const line = source.replaceAll(/\s/g, " ");
  return new UsageError(`${flag}, character ${at + 1}: ${problem}\n  ${line}\n  ${" ".repeat(at)}^`);
}

type Literal = { text: string } | { number: number };

/** comparison operators; missing cells are handled separately */
const comparisons: Record<string, (order: number) => boolean> = {
  "=": (order) => order === 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};
const aliases: Record<string, string> = { "==": "=", "<>": "!=" };
const textTests: Record<string, (cell: string, text: string) => boolean> = {
  starts_with: (cell, text) => cell.startsWith(text),
  ends_with: (cell, text) => cell.endsWith(text),
  contains: (cell, text) => cell.includes(text),
};

class Parser {
  readonly tests: CellTest[] = [];
  readonly #tokens: Token[];
  #next = 0;

  constructor(
    private readonly source: string,
    private readonly flag: string,
  ) {
    this.#tokens = lexWhere(source, (at, problem) => whereError({ source, flag }, at, problem));
  }

  whole(): Condition {
    const condition = this.#expression();
    if (this.#peek().kind !== "end") this.#fail("expected 'and', 'or' or the end");
    return condition;
  }

  #expression(): Condition {
    return this.#list("or", () => this.#list("and", () => this.#factor()));
  }

  #list(kind: "and" | "or", part: () => Condition): Condition {
    const of = [part()];
    while (this.#takeWord(kind)) of.push(part());
    return of.length === 1 ? of[0]! : { kind, of };
  }

  #factor(): Condition {
    if (this.#takeWord("not")) return { kind: "not", of: this.#factor() };
    if (!this.#takeSymbol("(")) return this.#test();
    const inside = this.#expression();
    if (!this.#takeSymbol(")")) this.#fail("expected ')', 'and' or 'or'");
    return inside;
  }

  #test(): Condition {
    const name = this.#peek();
    if (name.kind !== "word" && name.kind !== "name")
      this.#fail("expected a column name, 'not' or '('; write names with spaces in `backquotes`");
    this.#next++;
    const put = (
      numeric: boolean,
      holds: (cell: string) => boolean,
      literals: readonly Literal[] = [],
    ): Condition => {
      const texts = literals.flatMap((literal) => ("text" in literal ? [literal.text] : []));
      this.tests.push({ column: name.text, at: name.at, numeric, texts, holds });
      return { kind: "test", test: this.tests.length - 1 };
    };
    if (this.#takeWord("is")) {
      const negated = this.#takeWord("not");
      if (!this.#takeWord("missing")) this.#fail("expected 'missing' or 'not missing'");
      return negate(
        negated,
        put(false, (cell) => cell === ""),
      );
    }
    const negated = this.#takeWord("not");
    if (this.#takeWord("in")) {
      const literals = this.#literals();
      const equal = literals.map((literal) => comparisonOf("=", literal));
      return negate(
        negated,
        put(false, (cell) => equal.some((holds) => holds(cell)), literals),
      );
    }
    for (const [word, test] of Object.entries(textTests)) {
      if (!this.#takeWord(word)) continue;
      const literal = this.#literal();
      const text = "text" in literal ? literal.text : String(literal.number);
      return negate(
        negated,
        put(false, (cell) => cell !== "" && test(cell, text), [literal]),
      );
    }
    if (negated) this.#fail("expected 'in', 'starts_with', 'ends_with' or 'contains'");
    const { kind, text } = this.#peek();
    const operator = Object.hasOwn(aliases, text) ? aliases[text]! : text;
    if (kind !== "symbol" || !(operator === "!=" || Object.hasOwn(comparisons, operator)))
      this.#fail(
        "expected =, !=, <, <=, >, >=, 'in', 'starts_with', 'ends_with', 'contains' or 'is missing'",
      );
    this.#next++;
    const literal = this.#literal();
    // `!=` is the negation of `=`, also for missing cells
    const holds = comparisonOf(operator === "!=" ? "=" : operator, literal);
    return negate(operator === "!=", put("number" in literal, holds, [literal]));
  }

  #literals(): Literal[] {
    if (!this.#takeSymbol("(")) this.#fail("expected '(' and a list of numbers or quoted strings");
    const literals = [this.#literal()];
    while (this.#takeSymbol(",")) literals.push(this.#literal());
    if (!this.#takeSymbol(")")) this.#fail("expected ',' or ')'");
    return literals;
  }

  #literal(): Literal {
    const { kind, text } = this.#peek();
    if (kind === "word") this.#fail(`expected a number or a quoted string; write a string as "${text}"`);
    if (kind !== "number" && kind !== "text") this.#fail("expected a number or a quoted string");
    this.#next++;
    return kind === "number" ? { number: Number(text) } : { text };
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #takeWord(word: string): boolean {
    const { kind, text } = this.#peek();
    const found = kind === "word" && text.toLowerCase() === word;
    if (found) this.#next++;
    return found;
  }

  #takeSymbol(symbol: string): boolean {
    const { kind, text } = this.#peek();
    const found = kind === "symbol" && text === symbol;
    if (found) this.#next++;
    return found;
  }

  #fail(expected: string): never {
    const { kind, at, text } = this.#peek();
    const got = kind === "end" ? "the end" : kind === "text" ? JSON.stringify(text) : `'${text}'`;
    throw whereError({ source: this.source, flag: this.flag }, at, `${expected}, got ${got}`);
  }
}

function negate(negated: boolean, of: Condition): Condition {
  return negated ? { kind: "not", of } : of;
}

/** Compares numbers by value, texts by UTF-8 bytes. False for missing cells, and for a number with another text. */
function comparisonOf(operator: string, literal: Literal): (cell: string) => boolean {
  const test = comparisons[operator]!;
  if ("number" in literal) {
    return (cell) => {
      const x = parseNumber(cell) ?? NaN;
      return !Number.isNaN(x) && test(x < literal.number ? -1 : x > literal.number ? 1 : 0);
    };
  }
  if (operator === "=") return (cell) => cell === literal.text;
  const bytes = Buffer.from(literal.text, "utf8");
  return (cell) => cell !== "" && test(Buffer.compare(Buffer.from(cell, "utf8"), bytes));
}

export interface Token {
  /** kinds of tokens; word: keyword or unquoted column name; name: column name in backquotes; text: quoted literal */
  kind: "word" | "name" | "number" | "text" | "symbol" | "end";
  text: string;
  /** offset of the token's first character in the expression, from 0 */
  at: number;
}

const patterns: [kind: Token["kind"], pattern: RegExp][] = [
  ["number", /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_.])/uy],
  ["word", /[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.$-]*/uy],
  ["symbol", /==|!=|<>|<=|>=|[=<>(),]/y],
];

/** Opening quotes, and the kind of the quoted token. A quotation mark within a token is doubled. */
const quotes: Record<string, Token["kind"]> = { '"': "text", "'": "text", "`": "name" };

/** Returns a column's name in the syntax of expressions: in backquotes unless it is a plain word. */
export function columnText(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name}\``;
}

/** Splits an expression into tokens; the last has the kind `end`. @param error creates the error for a character */
export function lexWhere(source: string, error: (at: number, problem: string) => Error): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(source[at] ?? "")) at++;
    if (at === source.length) return [...tokens, { kind: "end", text: "", at }];
    const quote = source[at]!;
    if (Object.hasOwn(quotes, quote)) {
      const { text, end } = quotedText(source, at, error);
      tokens.push({ kind: quotes[quote]!, text, at });
      at = end;
      continue;
    }
    const found = patterns
      .map(([kind, pattern]) => {
        pattern.lastIndex = at;
        return { kind, text: pattern.exec(source)?.[0] ?? "" };
      })
      .find(({ text }) => text !== "");
    if (!found) throw error(at, `'${String.fromCodePoint(source.codePointAt(at)!)}' is unexpected here`);
    tokens.push({ ...found, at });
    at += found.text.length;
  }
}

function quotedText(source: string, at: number, error: (at: number, problem: string) => Error) {
  const quote = source[at]!;
  let text = "";
  for (let from = at + 1; ;) {
    const close = source.indexOf(quote, from);
    if (close === -1) throw error(at, `the quote ${quote} is not closed`);
    text += source.slice(from, close);
    if (source[close + 1] !== quote) return { text, end: close + 1 };
    text += quote;
    from = close + 2;
  }
}
