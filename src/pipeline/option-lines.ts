// Writes options as keys of a pipeline file, with paths relative to that file.

import { isAbsolute, relative, resolve } from "node:path";
import { scalarOf } from "../config/pipeline-starter.js";
import { flagOf } from "../errors.js";
import { settingsOf } from "../flags/from-file.js";
import { pathExists } from "../io/read-artifact.js";
import { textsOf } from "../training/options/flag-words.js";
import type { Option, OptionTable } from "../training/options/table.js";
import { NO_PATHS } from "./commands.js";
import { inFolder } from "./exports.js";

/** @param folder folder of the file that contains the path; undefined for a file that is printed */
export function pathInFile(path: string, folder: string | undefined): string {
  return folder === undefined || isAbsolute(path) ? path : relative(folder, resolve(path));
}

/** Only options that the table declares. @param folder of the file; undefined for a file that is printed */
export async function optionLines(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
  folder: string | undefined,
): Promise<string[]> {
  const placed = await movedPaths(table, given, (path) => pathInFile(path, folder));
  return Object.entries(placed).flatMap(([option, value]) => {
    if (value === undefined || !Object.hasOwn(table, option)) return [];
    const declared = table[option] as Option;
    const scalars = valuesOf(declared, value).map((one) =>
      typeof one === "string" ? scalarOf(one) : String(one),
    );
    // if the option's names are separated by commas, writes even one name as a list, so that a comma in the name does
    // not split it
    const isList = declared.commas === true || scalars.length !== 1;
    return `${flagOf(option).slice(2)}: ${isList ? `[${scalars.join(", ")}]` : scalars[0]!}`;
  });
}

/** A text for each name of a list; a number or a boolean is kept unchanged. */
function valuesOf(option: Option, value: unknown): readonly (string | number | boolean)[] {
  if (typeof value === "number" || typeof value === "boolean") return [value];
  return option.commas && Array.isArray(value) ? value.map(String) : textsOf(option, value);
}

/** Returns the options with their paths relative to the working directory instead of a folder. */
export async function pathsFrom<T extends Readonly<Record<string, unknown>>>(
  table: OptionTable,
  given: T,
  folder: string,
): Promise<T> {
  return await movedPaths(table, given, (path) => inFolder(folder, path), folder);
}

/** @param folder folder in which a value that may be a path is looked up */
async function movedPaths<T extends Readonly<Record<string, unknown>>>(
  table: OptionTable,
  given: T,
  move: (path: string) => string,
  folder = ".",
): Promise<T> {
  const kinds = new Map(settingsOf(table).map(({ name, path }) => [name, path]));
  const moved: Record<string, unknown> = { ...given };
  for (const [option, value] of Object.entries(given)) {
    const kind = kinds.get(flagOf(option).slice(2));
    const isPath = async (one: unknown): Promise<boolean> =>
      typeof one === "string" &&
      !NO_PATHS.includes(one) &&
      (kind === "always" || (await pathExists(inFolder(folder, one))));
    const place = async (one: unknown) => ((await isPath(one)) ? move(one as string) : one);
    if (kind) moved[option] = Array.isArray(value) ? await Promise.all(value.map(place)) : await place(value);
  }
  return moved as T;
}
