// Reads a YAML file and checks it against a schema; an error names the line and column.

import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  Composer,
  type CST,
  type Document,
  Lexer,
  LineCounter,
  Parser,
  visit,
} from "yaml";
import { z } from "zod";
import { excerpt, nearestName, ConfigError } from "../base/errors.js";
import { readText } from "../base/io/read-text.js";

/**
 * Reads a file and checks it.
 *
 * @param what noun for the file in messages: `the bounds`
 * @param schemaFor returns the schema, which may depend on the content
 * @throws {ConfigError} unreadable, not YAML, an unknown key, or a value of another kind
 */
export async function readYaml<T>(
  path: string,
  what: string,
  schemaFor: z.ZodType<T> | ((content: unknown) => z.ZodType<T>),
): Promise<T> {
  const file = await openYaml(path, what);
  return file.check(typeof schemaFor === "function" ? schemaFor(file.content) : schemaFor);
}

export interface YamlFile {
  content: unknown;
  /** Returns the content of the file. @throws {ConfigError} an unknown key, or a value of a wrong type */
  check<T>(schema: z.ZodType<T>): T;
  /** Throws an error with the position of a key. @param place the keys that lead to it from the top of the file */
  fail(place: readonly string[], message: string): never;
}

/** Parses a file. @throws {ConfigError} as readYamlDocument */
export async function openYaml(path: string, what: string): Promise<YamlFile> {
  const { document, content: read, fail: failAt } = await readYamlDocument(path, what);
  // a file of comments only has no content
  const content: unknown = read ?? {};
  const fail: YamlFile["fail"] = (place, message) => failAt(offsetOf(document, place), message);
  return {
    content,
    fail,
    check(schema) {
      const result = schema.safeParse(content);
      if (result.success) return result.data;
      const { issues } = result.error;
      // a missing key is often a mistyped one, which is reported first
      const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
      const place = issue.path.map(String);
      if (issue.code === "unrecognized_keys") {
        const key = issue.keys[0]!;
        const known = keysAt(schema, place, content);
        const near = nearestName(key, known);
        const hint = near === undefined ? `expected ${known.join(", ")}` : `did you mean '${near}'?`;
        return fail([...place, key], `unknown key '${[...place, key].join(".")}': ${hint}`);
      }
      const got: unknown = document.getIn(issue.path.filter((step) => typeof step !== "symbol"));
      const shown = excerpt(JSON.stringify(isNode(got) ? got.toJS(document) : got) ?? "nothing");
      const name = place.length === 0 ? what : `'${place.join(".")}'`;
      return fail(place, `${name}: ${messageOf(issue)}, got ${shown}`);
    },
  };
}

/** Returns a description of the expected value; of a union of types, the description of each type. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union" || issue.errors.length === 0)
    return issue.message.replace(/^Invalid input: /, "").replace(/, received .*/, "");
  const messages = issue.errors.flatMap((errors) => errors.slice(0, 1).map(messageOf));
  return messages.filter((each, i) => messages.indexOf(each) === i).join(", or ");
}

/** Returns the keys that the schema allows at a path. @param content the value there, which selects from a union */
function keysAt(schema: z.ZodType, path: readonly string[], content: unknown): string[] {
  let at: unknown = schema;
  let value = content;
  for (const step of ["", ...path]) {
    if (step !== "") {
      at = at instanceof z.ZodObject ? at.shape[step] : childOf(at);
      value = memberOf(value, step);
    }
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault) at = at.unwrap();
    if (at instanceof z.ZodDiscriminatedUnion) at = statedKind(at, value);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** Returns the member of a union of schemas that the value selects by its discriminator, a key such as `command`. */
function statedKind({ options, def }: z.ZodDiscriminatedUnion, value: unknown): unknown {
  const said = memberOf(value, def.discriminator);
  return options.find((option) => {
    const mark: unknown = option instanceof z.ZodObject ? option.shape[def.discriminator] : undefined;
    return mark instanceof z.ZodLiteral && mark.value === said;
  });
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function childOf(schema: unknown): unknown {
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodArray ? schema.element : undefined;
}

/** Returns the offset of a key or of a list's element; for a missing key, the offset at which it could be added. */
export function offsetOf(document: Document, path: readonly string[]): number {
  let at: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (!isCollection(at)) break;
    const pair = isMap(at)
      ? at.items.find(({ key }) => isScalar(key) && String(key.value) === step)
      : undefined;
    const item: unknown = isMap(at) ? pair?.value : at.items[Number(step)];
    const node = isScalar(pair?.key) ? pair.key : item;
    if (!isNode(node)) break;
    offset = node.range?.[0] ?? offset;
    at = item;
  }
  return offset;
}

/** The content of a YAML text and its syntax tree, with the positions of values. */
interface YamlDocument {
  document: Document;
  /** the content; null for comments only */
  content: unknown;
  /** converts an offset in the text to line and column, which count from 1 */
  placeOf: (offset: number) => { line: number; column: number };
  /** Throws the error for an offset in the text. @throws {ConfigError} always, with line and column */
  fail: (offset: number, message: string) => never;
}

/**
 * Reads and parses a file. It may come from an untrusted source: aliases that multiply, contain themselves or have no
 * anchor, and deep nesting are errors.
 *
 * @param what noun for the file in messages: `the pipeline file`
 * @throws {ConfigError} unreadable, not YAML, or aliases that cannot be resolved
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
  // does not let the package check that keys are unique: it compares each key with all others of its mapping, which
  // takes quadratic time
  const composer = new Composer({ uniqueKeys: false });
  const [parsed, another] = composer.compose(shallowTokens(text, fail), true, text.length);
  // the composer yields at least one document
  const document = parsed!;
  const [problem] = document.errors;
  if (problem) return fail(problem.pos[0], problem.message);
  if (another)
    return fail(another.range[0], "it holds a second document, after '---': write each to a file of its own");
  checkScalars(document, fail);
  checkUniqueKeys(document, fail);
  const firstAlias = checkAliases(document, fail);
  try {
    const content: unknown = document.toJS();
    return { document, content, placeOf, fail };
  } catch (error) {
    // the parser throws when aliases repeat an anchor more than about a hundred times
    if (error instanceof ReferenceError)
      return fail(firstAlias, "aliases repeat too many values: write the values out");
    throw error;
  }
}

/**
 * Checks scalars. A key written as `null` is the option of that name, and not YAML's null. A text must not contain NUL,
 * which neither a command line nor a path can contain. `__proto__` is rejected, because schemas silently drop it from
 * mappings.
 */
function checkScalars(document: Document, fail: (offset: number, message: string) => never): void {
  visit(document, {
    Pair(_, { key }) {
      if (isCollection(isAlias(key) ? key.resolve(document) : key))
        fail((isNode(key) && key.range?.[0]) || 0, "a key must be a text, not a list or a mapping");
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

/** Maximum nesting: a pipeline file needs six levels; a few hundred overflow the parser's stack, ending the process. */
const DEEPEST = 100;

/** Returns the syntax of a text; rejects deep nesting before a recursive function processes it. */
function shallowTokens(text: string, fail: (offset: number, message: string) => never): CST.Token[] {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > DEEPEST)
      fail(parser.offset, `lists or mappings are nested in more than ${DEEPEST} levels`);
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

/** Each alias must refer to an earlier anchor that does not contain it. @returns the offset of the first alias */
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
