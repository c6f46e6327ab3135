// Parsers of flags that no table declares.

import { numberOf as parseNumber, wholeOf as parseWhole } from "../training/options/table.js";

/** Of a parser of commander's: what TypeScript may set its option to. */
const taken = new WeakMap<object, string>();

/** The parser, of an option that TypeScript may set to values of that type, beside texts as the command line has them. */
export function taking<P extends (text: string, previous: never) => unknown>(type: string, parser: P): P {
  taken.set(parser, type);
  return parser;
}

/** What was said by `taking`; undefined of another parser. */
export function takenBy(parser: object): string | undefined {
  return taken.get(parser);
}

/** A number option. @throws {UsageError} not a finite number */
export function numberOf(flag: string): (text: string) => number {
  return taking("number", (text) => parseNumber(text, flag));
}

/** A whole number of at least `min`. */
export function wholeOf(flag: string, min: number): (text: string) => number {
  return taking("number", (text) => parseWhole(text, flag, min));
}

/** A list that takes commas and repeats. */
export function listOf(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...text.split(",").filter((name) => name !== "")];
}

/** A list that repeats but takes no commas, for values that may hold one. */
export function repeated(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), text];
}
