// Parses the keys to forget: FIELD:KEY, as in `--key` of other commands.

import { NoInputError, UsageError } from "../errors.js";
import { readText } from "../io/read-text.js";
import type { AskedKeys } from "../training/capabilities/forgetting/forgetting.js";

/** The names of the user and item columns. */
interface NamedRoles {
  user?: string;
  item?: string;
}

/**
 * Parses texts such as `user:u019`, split at the first colon.
 *
 * @throws {UsageError} no field or no key, or no text at all
 */
export function parseKeys(texts: readonly string[]): AskedKeys {
  const asked = new Map<string, Set<string>>();
  for (const text of texts) {
    const colon = text.indexOf(":");
    const [field, key] = [text.slice(0, colon), text.slice(colon + 1)];
    if (colon < 1 || key === "") throw new UsageError(`expected FIELD:KEY, such as user:u019, got '${text}'`);
    asked.set(field, (asked.get(field) ?? new Set()).add(key));
  }
  if (asked.size === 0)
    throw new UsageError("no key to forget: name keys as FIELD:KEY, or a file of keys with --keys");
  return asked;
}

/**
 * Returns the lines of a file of keys, one FIELD:KEY per line, without empty lines. @throws {NoInputError} it cannot be
 * read
 */
export async function keyLines(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    throw new NoInputError(`the file of keys '${path}' cannot be read`, { cause: error });
  }
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/** Returns the keys by column; `user` and `item` denote the columns in these roles, unless a field has this name. */
export function keysByColumn(asked: AskedKeys, roles: NamedRoles, fields: readonly string[]): AskedKeys {
  const byColumn = new Map<string, Set<string>>();
  for (const [name, keys] of asked) {
    const role = fields.includes(name) || (name !== "user" && name !== "item") ? undefined : roles[name];
    const column = role ?? name;
    byColumn.set(column, new Set([...(byColumn.get(column) ?? []), ...keys]));
  }
  return byColumn;
}

/** Formats the keys as FIELD:KEY, the syntax of parseKeys. */
export function fieldKeyTexts(asked: AskedKeys): string[] {
  return [...asked].flatMap(([field, keys]) => [...keys].map((key) => `${field}:${key}`));
}
