// Parses one line of JSON lines into its members as text, in the order of the line.
//
// JSON.parse is not used, because it rounds integers beyond 2^53 (ids of many services), puts names that are whole
// numbers first, and keeps the last of two members of the same name. This parser accepts the same text as JSON.parse,
// except that it rejects repeated names.

import { excerpt } from "../../base/errors.js";
import { RowFault } from "./record-form.js";

/** A member's value: a text, empty for null; a list for an array of scalars; undefined for other arrays. */
export type Cell = string | string[] | undefined;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
/** Words that programs write in place of JSON for missing values, infinities and truth. */
const NOT_JSON = /-?(?:NaN|nan|Infinity|inf|None|NULL|undefined|True|False)\b/y;

/** Maximum depth of nesting: much deeper than in any log, and small enough for the call stack. */
const MAX_DEPTH = 500;

/**
 * Returns the members of the object on a line; a member of a nested object is named by its path, such as `actor.id`.
 *
 * Integers are kept as written, other numbers as JavaScript prints them, booleans are `true` and `false`, null is
 * empty.
 *
 * @throws {RowFault} the line is not a JSON object, two members have the same name, a number overflows, or a string has
 * half a character
 */
export function parseJsonRow(line: string): [name: string, cell: Cell][] {
  const reader = new JsonReader(line);
  const members = reader.row();
  reader.end();
  return members;
}

class JsonReader {
  #at = 0;

  constructor(private readonly text: string) {}

  row(): [string, Cell][] {
    const members = new Map<string, Cell>();
    if (!this.#takes("{"))
      throw this.#fault(
        this.text.trimStart().startsWith("[")
          ? "expected one object per line, got a list (convert it with jq -c '.[]')"
          : 'expected an object, such as {"user": "u1"}',
      );
    this.#members("", members, 1);
    return [...members];
  }

  /** Parses the members of an object whose opening brace was already consumed. */
  #members(path: string, members: Map<string, Cell>, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#fault(`expected at most ${MAX_DEPTH} levels of nesting`);
    if (this.#takes("}")) return;
    const own = new Set<string>();
    do {
      const key = this.#string();
      const name = path + key;
      if (own.has(key))
        throw new RowFault("repeated key", `the key ${excerpt(name)} occurs twice in this object`);
      own.add(key);
      this.#expect(":");
      if (this.#takes("{")) this.#members(`${name}.`, members, depth + 1);
      else {
        if (members.has(name))
          throw new RowFault("repeated key", `the keys of this object define ${excerpt(name)} twice`);
        members.set(name, this.#value(depth));
      }
    } while (this.#takes(","));
    this.#expect("}");
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.text.length) throw this.#fault("expected the line to end after the object");
  }

  /** Parses any value; a value that is nested too deep to be a cell is skipped. */
  #value(depth: number): Cell {
    if (depth > MAX_DEPTH) throw this.#fault(`expected at most ${MAX_DEPTH} levels of nesting`);
    if (this.#takes("{")) {
      if (this.#takes("}")) return undefined;
      do {
        this.#string();
        this.#expect(":");
        this.#value(depth + 1);
      } while (this.#takes(","));
      this.#expect("}");
      return undefined;
    }
    if (this.#takes("[")) return this.#array(depth);
    return this.#scalar();
  }

  #array(depth: number): Cell {
    const cells: string[] = [];
    let isFlat = true;
    if (this.#takes("]")) return cells;
    do {
      const cell = this.#value(depth + 1);
      if (typeof cell === "string") cells.push(cell);
      else isFlat = false;
    } while (this.#takes(","));
    this.#expect("]");
    return isFlat ? cells : undefined;
  }

  #scalar(): string {
    this.#skipSpace();
    if (this.text[this.#at] === '"') return this.#string();
    const word = this.#match(WORD);
    if (word !== "") return word === "null" ? "" : word;
    const number = this.#match(NUMBER);
    if (number === "") {
      const other = this.#match(NOT_JSON);
      if (other !== "")
        throw new RowFault(
          "not JSON",
          `${other} is not JSON: write null for a missing value, true and false in lower case`,
        );
      throw this.#fault("expected a value");
    }
    if (/^-?\d+$/.test(number)) return number === "-0" ? "0" : number;
    const value = Number(number);
    if (!Number.isFinite(value))
      throw new RowFault("number too large", `${excerpt(number)} is beyond a 64-bit float`);
    return String(value);
  }

  #string(): string {
    this.#skipSpace();
    // a string without escapes consists of the text between its quotes
    const close = this.text.indexOf('"', this.#at + 1);
    const plain = close === -1 ? undefined : this.text.slice(this.#at + 1, close);
    if (this.text[this.#at] === '"' && plain !== undefined && !ESCAPED.test(plain)) {
      this.#at = close + 1;
      return plain;
    }
    const start = this.#at;
    const literal = this.#longString();
    if (literal === "") throw this.#fault("expected a string in double quotes", start);
    const value = JSON.parse(literal) as string;
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value))
      throw new RowFault("half a character", `a string has an unpaired surrogate: ${excerpt(literal)}`);
    return value;
  }

  /** Parses piece by piece: a pattern that repeats over a megabyte overflows the regular expression's stack. */
  #longString(): string {
    const { text } = this;
    if (text[this.#at] !== '"') return "";
    for (let close = text.indexOf('"', this.#at + 1); close !== -1; close = text.indexOf('"', close + 1)) {
      let slash = close;
      while (text[slash - 1] === "\\") slash--;
      if ((close - slash) % 2 === 1) continue;
      const literal = text.slice(this.#at, close + 1);
      if (!isString(literal)) return "";
      this.#at = close + 1;
      return literal;
    }
    return "";
  }

  #takes(char: string): boolean {
    this.#skipSpace();
    if (this.text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    if (!this.#takes(char)) throw this.#fault(`expected '${char}'`);
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  /** Consumes and returns the text that the sticky pattern matches at the current position; "" if it does not match. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #fault(expected: string, at = this.#at): RowFault {
    const rest = this.text.slice(at, at + 100);
    const got = rest === "" ? "the line's end" : excerpt(rest);
    return new RowFault("malformed JSON", `${expected}, got ${got} at character ${at + 1}`);
  }
}

/** Characters that must be escaped in a JSON string. */
// oxlint-disable-next-line eslint/no-control-regex -- they are what JSON forbids
const ESCAPED = /[\\\u0000-\u001f]/;

function isString(literal: string): boolean {
  try {
    return typeof JSON.parse(literal) === "string";
  } catch {
    return false;
  }
}
