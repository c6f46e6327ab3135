// Reads embed.yaml into the values of a command's options, each with its position.
//
// Keys are the options' long names. A file serves all commands: options of other commands are ignored, unknown keys are
// an error.

import { isMap } from "yaml";
import { z } from "zod";
import { excerpt, nearestName } from "../base/errors.js";
import { offsetOf, readYamlDocument } from "./yaml-file.js";

/** An option of a command, as a key of a configuration file. */
export interface ConfigSetting {
  name: string;
  /** flag: true or false; one: a single value; many: a value, a list of values, or a mapping from columns to values */
  kind: "flag" | "one" | "many";
  choices?: readonly string[];
  /** help text of the option, for a schema */
  help?: string;
  /** always: the value starts with the path of a file or run; maybe: the value may be a path */
  path?: "always" | "maybe";
  /** true if the option does not change results */
  noBytes?: true;
}

export interface ConfigEntry {
  /** in the syntax of the command line; a list has one element per occurrence, an element of a mapping is KEY:VALUE */
  value: boolean | string | string[];
  line: number;
  /** number of the column in the file, from 1 */
  column: number;
}

/**
 * Reads a config file.
 *
 * @param settings options of the command that runs
 * @param otherNames keys of other commands
 * @throws {ConfigError} unreadable, not YAML, an unknown key, or a value of another kind
 */
export async function readConfig(
  path: string,
  settings: readonly ConfigSetting[],
  otherNames: readonly string[],
): Promise<Map<string, ConfigEntry>> {
  const { document, content, placeOf, fail } = await readYamlDocument(path, "the config file");
  // the file contains only comments
  if (content === null) return new Map();
  if (!isMap(document.contents)) return fail(0, "expected options as `name: value`, one per line");

  const names = new Set([...settings.map(({ name }) => name), ...otherNames]);
  const result = schemaOf(settings, otherNames).safeParse(content);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    if (issue.code === "unrecognized_keys") {
      const key = issue.keys[0]!;
      const near = nearestName(key, names);
      const hint = near === undefined ? "`embed COMMAND --help` lists them" : `did you mean '${near}'?`;
      return fail(offsetOf(document, [key]), `unknown key '${key}': ${hint}`);
    }
    const name = String(issue.path[0]);
    const setting = settings.find((candidate) => candidate.name === name)!;
    const got = excerpt(JSON.stringify(document.get(name)) ?? "nothing");
    return fail(offsetOf(document, [name]), `'${name}' expects ${expectationOf(setting)}, got ${got}`);
  }
  const entries = new Map<string, ConfigEntry>();
  for (const { name } of settings) {
    if (!Object.hasOwn(result.data, name)) continue;
    entries.set(name, { value: asFlagValue(result.data[name]), ...placeOf(offsetOf(document, [name])) });
  }
  return entries;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const many = z.union([scalar, z.array(scalar), z.record(z.string(), scalar)]);

function schemaOf(settings: readonly ConfigSetting[], otherNames: readonly string[]) {
  const shape: Record<string, z.ZodType> = {};
  for (const name of otherNames) shape[name] = z.unknown().optional();
  for (const setting of settings) shape[setting.name] = settingSchema(setting);
  return z.strictObject(shape);
}

/** Returns the schema of an option's value in a file. */
export function settingSchema({ kind, choices, help }: ConfigSetting): z.ZodType {
  const one = choices ? z.enum([...choices]) : scalar;
  const schema = (kind === "flag" ? z.boolean() : kind === "one" ? one : many).optional();
  return help === undefined ? schema : schema.describe(help);
}

function expectationOf({ kind, choices }: ConfigSetting): string {
  if (choices) return `one of ${choices.join(", ")}`;
  if (kind === "flag") return "true or false";
  return kind === "one" ? "one value" : "a value, a list or a mapping of values";
}

/** Converts a YAML value to the text or texts that the command line would contain. */
export function asFlagValue(value: unknown): boolean | string | string[] {
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(String);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).map(([key, text]) => `${key}:${String(text)}`);
  return String(value);
}
