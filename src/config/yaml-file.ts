// A YAML file → what its schema describes; an error names the line and column of what is wrong.

import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { ConfigError, excerpt, nearestName } from "../errors.js";
import { readText } from "../io/read-text.js";

/**
 * @param what the file is, for messages: `the bounds`
 * @throws {ConfigError} unreadable, no YAML, an unknown key (with the nearest known one), or a value of another kind
 */
export async function readYaml<T>(path: string, what: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(path).catch((error: unknown) => {
    throw new ConfigError(`cannot read ${what} '${path}'`, undefined, { cause: error });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new ConfigError(message, { file: path, line, column: col });
  };
  const [problem] = document.errors;
  if (problem) return fail(problem.pos[0], problem.message.split(" at line")[0]!);
  const result = schema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const place = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const known = keysAt(schema, place);
    const near = nearestName(key, known);
    const hint = near === undefined ? `expected ${known.join(", ")}` : `did you mean '${near}'?`;
    return fail(offsetOf(document, [...place, key]), `unknown key '${[...place, key].join(".")}': ${hint}`);
  }
  const got: unknown = document.getIn(issue.path.filter((step) => typeof step !== "symbol"));
  const shown = excerpt(JSON.stringify(isNode(got) ? got.toJS(document) : got) ?? "nothing");
  const name = place.length === 0 ? what : `'${place.join(".")}'`;
  return fail(offsetOf(document, place), `${name}: ${messageOf(issue)}, got ${shown}`);
}

/** What was expected: of several kinds that would do, what each says. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union")
    return issue.message.replace(/^Invalid input: /, "").replace(/, received .*/, "");
  const messages = issue.errors.flatMap((errors) => errors.slice(0, 1).map(messageOf));
  return messages.filter((each, i) => messages.indexOf(each) === i).join(", or ");
}

/** Keys that the schema knows there. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let at: unknown = schema;
  for (const step of ["", ...path]) {
    if (step !== "") at = at instanceof z.ZodObject ? at.shape[step] : childOf(at);
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault) at = at.unwrap();
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function childOf(schema: unknown): unknown {
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodArray ? schema.element : undefined;
}

/** Where a key or an item of a list stands; of what is missing, where it would. */
function offsetOf(document: Document, path: readonly string[]): number {
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
