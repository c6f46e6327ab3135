// A YAML file → what its schema describes; an error names the line and column of what is wrong.

import { isCollection, isMap, isNode, isScalar, type Document } from "yaml";
import { z } from "zod";
import { excerpt, nearestName } from "../errors.js";
import { readYamlDocument } from "./yaml-document.js";

/**
 * Reads a file and checks it.
 *
 * @param what the file is, for messages: `the bounds`
 * @param schemaFor of the file, or one that is chosen by what stands in it
 * @throws {ConfigError} unreadable, no YAML, an unknown key (with the nearest known one), or a value of another kind
 */
export async function readYaml<T>(
  path: string,
  what: string,
  schemaFor: z.ZodType<T> | ((content: unknown) => z.ZodType<T>),
): Promise<T> {
  const file = await openYaml(path, what);
  return file.check(typeof schemaFor === "function" ? schemaFor(file.content) : schemaFor);
}

/** A YAML file that was parsed. */
export interface YamlFile {
  content: unknown;
  /** Its content. @throws {ConfigError} an unknown key, or a value of another kind */
  check<T>(schema: z.ZodType<T>): T;
  /** @param place keys from the top; of what is missing, where it would be @throws {ConfigError} always */
  fail(place: readonly string[], message: string): never;
}

/** Parses a file. @throws {ConfigError} as readYamlDocument */
export async function openYaml(path: string, what: string): Promise<YamlFile> {
  const { document, content: read, fail: failAt } = await readYamlDocument(path, what);
  // a file of comments alone says nothing
  const content: unknown = read ?? {};
  const fail: YamlFile["fail"] = (place, message) => failAt(offsetOf(document, place), message);
  return {
    content,
    fail,
    check(schema) {
      const result = schema.safeParse(content);
      if (result.success) return result.data;
      const { issues } = result.error;
      // a key that is missing is often one that is mistyped
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

/** What was expected: of several kinds that would do, what each says. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union" || issue.errors.length === 0)
    return issue.message.replace(/^Invalid input: /, "").replace(/, received .*/, "");
  const messages = issue.errors.flatMap((errors) => errors.slice(0, 1).map(messageOf));
  return messages.filter((each, i) => messages.indexOf(each) === i).join(", or ");
}

/** Keys that the schema knows there. @param content which of several kinds it is */
function keysAt(schema: z.ZodType, path: readonly string[], content: unknown): string[] {
  let at: unknown = schema;
  let value = content;
  for (const step of ["", ...path]) {
    if (step !== "") {
      at = at instanceof z.ZodObject ? at.shape[step] : childOf(at);
      value = memberOf(value, step);
    }
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault) at = at.unwrap();
    if (at instanceof z.ZodDiscriminatedUnion) at = kindOf(at, value);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** The kind that a value says it is. */
function kindOf({ options, def }: z.ZodDiscriminatedUnion, value: unknown): unknown {
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
