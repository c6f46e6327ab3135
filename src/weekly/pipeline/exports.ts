// Parses the entries of `export:` and `recall:` in a pipeline file: the files that are written, and the rows and lists
// that are sent to servers.

import { basename, isAbsolute, normalize, join } from "node:path";
import { type ConfigSetting, asFlagValue } from "../../options/config-file.js";
import type { PipelineContent, RecallContent, YamlOptions } from "./pipeline-schema.js";
import type { YamlFile } from "../../options/yaml-file.js";
import { nearestName, UsageError } from "../../base/errors.js";
import { isRemote } from "../../log/log.js";
import { checkExport, checkRecall, NO_PATHS } from "./commands.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { variableName } from "../../use/export/options.js";

export interface PipelineExport {
  /** name of the training whose run is exported */
  train: string;
  given: YamlOptions;
  /** path of the file or directory within exports/ */
  out: string;
  to?: string;
}

export interface PipelineSend {
  train: string;
  given: YamlOptions;
  /** the environment variable that holds the server's URL */
  variable: string;
  /** format and name of the export, for messages */
  label: string;
}

export interface PipelineRecall extends PipelineExport {
  sends: ListSend[];
}

export interface ListSend {
  format: "redis" | "postgres";
  variable: string;
  into: string;
}

/** @throws {ConfigError} the entry is not valid */
export async function exportEntry(
  yaml: YamlFile,
  folder: string,
  place: string[],
  { train, out, to, ...rest }: NonNullable<PipelineContent["export"]>[number],
  names: readonly string[],
  settings: readonly ConfigSetting[],
): Promise<PipelineExport | PipelineSend> {
  const of = trainingNamed(yaml, place, train, names);
  const given = await withPaths(folder, rest, settings);
  const isFolder = await within(yaml, place, () =>
    checkExport(given, (key, message) => yaml.fail([...place, key], message)),
  );
  const variable = given["url-env"];
  if (typeof variable === "string") {
    if (out !== undefined || to !== undefined)
      return yaml.fail(
        [...place, out === undefined ? "to" : "out"],
        "'url-env' cannot be combined with 'out' or 'to': write two entries",
      );
    const label = [given["format"], given["into"] ?? []].flat().join(" ");
    return { train: of, given, variable, label };
  }
  if (out === undefined) return yaml.fail(place, "missing 'out', or 'url-env' for a server");
  const named = [
    ["out", out, `${of}.txt`],
    ["to", to, basename(out)],
  ] as const;
  for (const [key, path, name] of named)
    if (path?.endsWith("/") && !isFolder)
      return yaml.fail(
        [...place, key],
        `'${path}' is a folder, but ${String(given["format"])} writes one file: name a file, such as ` +
          `'${path}${name}'`,
      );
  return { train: of, given, ...outputPaths(yaml, folder, place, out, to) };
}

/** @throws {ConfigError} the entry is not valid */
export async function recallEntry(
  yaml: YamlFile,
  folder: string,
  place: string[],
  { train, out, to, send = [], ...rest }: RecallContent,
  names: readonly string[],
  settings: readonly ConfigSetting[],
): Promise<PipelineRecall> {
  const of = trainingNamed(yaml, place, train, names);
  const given = await withPaths(folder, rest, settings);
  await within(yaml, place, () => checkRecall(given, (key, message) => yaml.fail([...place, key], message)));
  for (const [key, path] of Object.entries({ out, to }))
    if (path !== undefined && /(\/|\.(gz|zst))$/.test(path))
      yaml.fail(
        [...place, key],
        `'${path}' is not a valid name for lists, which are written to one uncompressed file`,
      );
  const sends: ListSend[] = [];
  for (const [i, { format, "url-env": variable, into }] of send.entries()) {
    await within(yaml, [...place, "send", String(i)], () => Promise.resolve(variableName(variable)));
    sends.push({ format: format as ListSend["format"], variable, into });
  }
  return { train: of, given, ...outputPaths(yaml, folder, place, out, to), sends };
}

/** @throws {ConfigError} no training has the name, or there are several and the entry names none */
function trainingNamed(
  yaml: YamlFile,
  place: string[],
  train: string | undefined,
  names: readonly string[],
): string {
  const of = train ?? (names.length === 1 ? names[0]! : undefined);
  if (of === undefined) return yaml.fail(place, `missing 'train', one of ${names.join(", ")}`);
  if (names.includes(of)) return of;
  const near = nearestName(of, names);
  return yaml.fail(
    [...place, "train"],
    `no training is named '${of}'${near === undefined ? "" : `: did you mean '${near}'?`}`,
  );
}

/** @throws {ConfigError} `out` is outside of exports/ */
function outputPaths(
  yaml: YamlFile,
  folder: string,
  place: string[],
  out: string,
  to: string | undefined,
): Pick<PipelineExport, "out" | "to"> {
  const inside = withoutSlash(normalize(out));
  if (isAbsolute(inside) || inside.startsWith("..") || inside === ".")
    return yaml.fail(
      [...place, "out"],
      `expected a path within exports/ of the version, got '${out}'; 'to' copies it elsewhere`,
    );
  return { out: inside, ...(to !== undefined && { to: inFolder(folder, withoutSlash(to)) }) };
}

function withoutSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}

/** The second of two exports of a training to the same path would replace the first. */
export function checkPlaces(
  yaml: YamlFile,
  exports: readonly PipelineExport[],
  { train, out, to }: PipelineExport,
  place: readonly string[],
): void {
  const meets = (a: string, b: string) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
  for (const other of exports) {
    if (other.train === train && meets(other.out, out))
      yaml.fail([...place, "out"], `another export is written to '${other.out}': choose another path`);
    if (to !== undefined && other.to !== undefined && meets(other.to, to))
      yaml.fail([...place, "to"], `another export is copied to '${other.to}': choose another path`);
  }
}

/** Adds the position of an entry in the file to an error about options that exclude each other. */
export async function within<T>(yaml: YamlFile, place: string[], check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return yaml.fail(place, error.message);
  }
}

/** Paths are relative to the folder of the pipeline file. */
export async function withPaths(
  folder: string,
  given: YamlOptions,
  settings: readonly ConfigSetting[],
): Promise<YamlOptions> {
  const paths = new Map(settings.flatMap(({ name, path }) => (path ? [[name, path] as const] : [])));
  const place = async (path: "always" | "maybe", value: unknown): Promise<unknown> => {
    if (typeof value !== "string" || NO_PATHS.includes(value)) return value;
    if (isRemote(value)) return engineNameInFolder(folder, value);
    const joined = inFolder(folder, value);
    return path === "always" || (await pathExists(joined)) ? joined : value;
  };
  const placed: YamlOptions = {};
  for (const [name, value] of Object.entries(given)) {
    const path = paths.get(name);
    if (!path) placed[name] = value;
    else if (typeof value !== "object") placed[name] = await place(path, value);
    // the value is a list of paths, or a mapping from files to keys
    else placed[name] = await Promise.all([asFlagValue(value)].flat().map((one) => place(path, one)));
  }
  return placed;
}

export function inFolder(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

/** Resolves the path in `sql:FILE` or `duckdb:FILE`; returns other names unchanged. */
export function engineNameInFolder(folder: string, name: string): string {
  const [, scheme, path] = /^(sql:|duckdb:)(.+)$/is.exec(name) ?? [];
  return scheme === undefined ? name : `${scheme}${inFolder(folder, path!)}`;
}
