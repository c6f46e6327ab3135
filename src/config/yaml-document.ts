// The text of a YAML file → its content and its syntax tree, whose offsets say where a value stands.
//
// The file may come from a stranger: aliases that multiply, contain themselves or have no anchor, and deep nesting, are errors of the file.

import { isScalar, Lexer, LineCounter, parseDocument, Parser, visit, type Document } from "yaml";
import { ConfigError, excerpt } from "../errors.js";
import { readText } from "../io/read-text.js";

export interface YamlDocument {
  document: Document;
  /** what the file says; null for comments alone */
  content: unknown;
  /** line and column from 1 */
  placeOf: (offset: number) => { line: number; column: number };
  /** @throws {ConfigError} always, with line and column */
  fail: (offset: number, message: string) => never;
}

/**
 * Reads and parses a file.
 *
 * @param what the file is, for messages: `the pipeline file`
 * @throws {ConfigError} unreadable, no YAML, or aliases that cannot be resolved
 */
export async function readYamlDocument(path: string, what: string): Promise<YamlDocument> {
  const text = await readText(path).catch((error: unknown) => {
    throw new ConfigError(`cannot read ${what} '${path}'`, undefined, { cause: error });
  });
  const lines = new LineCounter();
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const fail = (offset: number, message: string): never => {
    throw new ConfigError(message, { file: path, ...placeOf(offset) });
  };
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  checkDepth(text, fail);
  // the package compares each key with all others of its mapping
  const document = parseDocument(text, { uniqueKeys: false });
  const [problem] = document.errors;
  if (problem) return fail(problem.pos[0], problem.message.split(" at line")[0]!);
  checkScalars(document, fail);
  checkUniqueKeys(document, fail);
  const firstAlias = checkAliases(document, fail);
  try {
    const content: unknown = document.toJS();
    return { document, content, placeOf, fail };
  } catch (error) {
    // the parser's own limit of about a hundred repeats an anchor
    if (error instanceof ReferenceError)
      return fail(firstAlias, "aliases repeat too many values: write the values out");
    throw error;
  }
}

/**
 * A key that is written `null` is the option of that name, and not YAML's null. No text has NUL: a command line could not hold it,
 * and no path does. `__proto__` is refused, because the check by a schema leaves it out of mappings without an error.
 */
function checkScalars(document: Document, fail: (offset: number, message: string) => never): void {
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key)) return;
      if (key.value === null && key.source === "null") key.value = key.source;
      if (key.value === "__proto__")
        fail(
          key.range?.[0] ?? 0,
          "a key cannot be called '__proto__': choose another name, or write the options of a column as a list, such as " +
            "multi: ['__proto__:|']",
        );
    },
    Scalar(_, { value, range }) {
      if (typeof value === "string" && value.includes("\0"))
        fail(range?.[0] ?? 0, `${excerpt(value)} contains NUL, which no path or option may contain`);
    },
  });
}

/** No mapping has two entries of one key. */
function checkUniqueKeys(document: Document, fail: (offset: number, message: string) => never): void {
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value))
          fail(key.range?.[0] ?? 0, `the key ${excerpt(String(key.value))} occurs twice`);
        keys.add(key.value);
      }
    },
  });
}

/** Levels of lists and mappings; a pipeline file has six. A few hundred fill the stack of the parser, which ends the process. */
const DEEPEST = 100;

/** Refuses deep nesting before anything recurses into it. */
function checkDepth(text: string, fail: (offset: number, message: string) => never): void {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > DEEPEST)
      fail(parser.offset, `lists or mappings are nested in more than ${DEEPEST} levels`);
  }
}

/** Each alias stands for an earlier anchor, outside itself. @returns where the first one stands */
function checkAliases(document: Document, fail: (offset: number, message: string) => never): number {
  let first: number | undefined;
  visit(document, {
    Alias(_, alias, ancestors) {
      const at = alias.range?.[0] ?? 0;
      first ??= at;
      const target = alias.resolve(document);
      if (!target) fail(at, `alias '*${alias.source}' has no anchor '&${alias.source}' before it`);
      else if (ancestors.includes(target))
        fail(at, `alias '*${alias.source}' stands within its own anchor '&${alias.source}'`);
    },
  });
  return first ?? 0;
}
