// Options of a pipeline file with their paths from the file's folder, and errors with their place in it.

import { isAbsolute, join } from "node:path";
import { textsOf, type Setting } from "../config/config-file.js";
import type { Given } from "../config/pipeline.js";
import type { YamlFile } from "../config/yaml-file.js";
import { UsageError } from "../errors.js";
import { pathExists } from "../io/read-artifact.js";
import { NO_PATHS } from "./commands.js";

/** An error about options that exclude each other names their place. */
export async function within<T>(yaml: YamlFile, place: string[], check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return yaml.fail(place, error.message);
  }
}

/** What is given, with its paths from the file's folder. */
export async function withPaths(folder: string, given: Given, settings: readonly Setting[]): Promise<Given> {
  const paths = new Map(settings.flatMap(({ name, path }) => (path ? [[name, path] as const] : [])));
  const place = async (path: "always" | "maybe", value: unknown): Promise<unknown> => {
    if (typeof value !== "string" || NO_PATHS.includes(value)) return value;
    const joined = inFolder(folder, value);
    return path === "always" || (await pathExists(joined)) ? joined : value;
  };
  const placed: Given = {};
  for (const [name, value] of Object.entries(given)) {
    const path = paths.get(name);
    if (!path) placed[name] = value;
    else if (typeof value !== "object") placed[name] = await place(path, value);
    // a mapping of files to keys, or a list
    else placed[name] = await Promise.all([textsOf(value)].flat().map((one) => place(path, one)));
  }
  return placed;
}

/** A path from a folder. */
export function inFolder(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
