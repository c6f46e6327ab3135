// A pipeline file → what its steps are told, checked before anything runs; an error names the line and column.
//
// Paths are relative to the file, so that cron may start it from anywhere.

import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { textsOf, type Setting } from "../config/config-file.js";
import type { AfterBounds, BeforeBounds } from "../config/gates.js";
import { pipelineJsonSchema, pipelineSchema, type PipelineContent, type Told } from "../config/pipeline.js";
import { openYaml, type YamlFile } from "../config/yaml-file.js";
import { nearestName, UsageError } from "../errors.js";
import { pathExists } from "../io/read-artifact.js";
import {
  checkEncoding,
  checkExport,
  checkTraining,
  NO_PATHS,
  pipelineSettings,
  withDefaults,
} from "./pipeline-commands.js";

/** A training of a pipeline. */
export interface PipelineTraining {
  /** in the store */
  name: string;
  command: string;
  /** its flags by their long names */
  told: Told;
  /** of its run; the pipeline's or its own */
  bounds: AfterBounds;
  /** undefined: where it can be */
  align: boolean | undefined;
}

/** An export of a pipeline. */
export interface PipelineExport {
  /** the training's name */
  train: string;
  told: Told;
  /** within exports/ */
  out: string;
  to?: string;
}

/** An export of a pipeline straight into a server. */
export interface PipelineSend {
  /** the training's name */
  train: string;
  told: Told;
  /** the environment variable that holds the server's URL */
  variable: string;
  /** what it is called in messages: format and name */
  label: string;
}

/** A pipeline as its file describes it. */
export interface Pipeline {
  file: string;
  name: string;
  store: string;
  /** files and patterns */
  logs: string[];
  /** how the log is encoded: columns and reading */
  encoding: Told;
  before: BeforeBounds;
  trainings: PipelineTraining[];
  exports: PipelineExport[];
  sends: PipelineSend[];
}

/** The schema of pipeline files, as JSON Schema. */
export function pipelineFileSchema(): string {
  return pipelineJsonSchema(pipelineSettings());
}

/**
 * Reads a pipeline file and checks it as far as that can be done without the log.
 *
 * @throws {ConfigError} unreadable, not valid, or options that do not go together
 */
export async function readPipeline(file: string): Promise<Pipeline> {
  const yaml = await openYaml(file, "the pipeline file");
  const settings = pipelineSettings();
  const content = yaml.check(pipelineSchema(settings));
  const folder = dirname(file);
  const logs = (typeof content.log === "string" ? [content.log] : content.log).map((path) => {
    if (path === "-")
      yaml.fail(["log"], "a pipeline reads files: what comes through a pipe cannot be read again");
    return inFolder(folder, path);
  });
  const encoding = {
    ...(await withPaths(folder, content.columns ?? {}, settings.columns)),
    ...(await withPaths(folder, content.reading ?? {}, settings.reading)),
  };
  await within(yaml, ["log"], () =>
    checkEncoding(encoding, (name, message) =>
      yaml.fail([Object.hasOwn(content.columns ?? {}, name) ? "columns" : "reading", name], message),
    ),
  );
  const trainings: PipelineTraining[] = [];
  for (const [name, entry] of Object.entries(content.train)) {
    trainings.push(await trainingOf(yaml, folder, name, entry, content, settings.trainings[entry.command]!));
  }
  const exports: PipelineExport[] = [];
  const sends: PipelineSend[] = [];
  for (const [i, entry] of (content.export ?? []).entries()) {
    const read = await exportEntry(yaml, folder, ["export", String(i)], entry, trainings, settings.export);
    if ("variable" in read) sends.push(read);
    else exports.push(read);
  }
  return {
    file,
    name: content.name ?? nameOfFile(yaml, file),
    store: inFolder(folder, content.store),
    logs,
    encoding,
    before: content.gates?.before ?? {},
    trainings,
    exports,
    sends,
  };
}

async function trainingOf(
  yaml: YamlFile,
  folder: string,
  name: string,
  { command, gates, align, ...rest }: PipelineContent["train"][string],
  content: PipelineContent,
  settings: readonly Setting[],
): Promise<PipelineTraining> {
  const place = ["train", name];
  const told = withDefaults(command, await withPaths(folder, rest, settings), settings);
  await within(yaml, place, () =>
    checkTraining(command, told, (key, message) => yaml.fail([...place, key], message)),
  );
  return {
    name,
    command,
    told,
    bounds: (gates as AfterBounds | undefined) ?? content.gates?.after ?? {},
    align: (align as boolean | undefined) ?? content.align,
  };
}

async function exportEntry(
  yaml: YamlFile,
  folder: string,
  place: string[],
  { train, out, to, ...rest }: NonNullable<PipelineContent["export"]>[number],
  trainings: readonly PipelineTraining[],
  settings: readonly Setting[],
): Promise<PipelineExport | PipelineSend> {
  const names = trainings.map(({ name }) => name);
  const of = train ?? (names.length === 1 ? names[0]! : undefined);
  if (of === undefined) return yaml.fail(place, `'train' is needed, one of ${names.join(", ")}`);
  if (!names.includes(of)) {
    const near = nearestName(of, names);
    return yaml.fail(
      [...place, "train"],
      `no training is called '${of}'${near === undefined ? "" : `: did you mean '${near}'?`}`,
    );
  }
  const told = await withPaths(folder, rest, settings);
  await within(yaml, place, () => checkExport(told, (key, message) => yaml.fail([...place, key], message)));
  const variable = told["url-env"];
  if (typeof variable === "string") {
    if (out !== undefined || to !== undefined)
      return yaml.fail(
        [...place, out === undefined ? "to" : "out"],
        "'url-env' writes into a server: leave out 'out' and 'to', or make it two entries",
      );
    const label = [told["format"], told["into"] ?? []].flat().join(" ");
    return { train: of, told, variable, label };
  }
  if (out === undefined) return yaml.fail(place, "'out' is needed, or 'url-env' for a server");
  const inside = normalize(out);
  if (isAbsolute(inside) || inside.startsWith("..") || inside === ".")
    return yaml.fail(
      [...place, "out"],
      `expected a place within exports/ of the version, got '${out}'; 'to' copies it elsewhere`,
    );
  return { train: of, told, out: inside, ...(to !== undefined && { to: inFolder(folder, to) }) };
}

/** Options that do not go together are told of where they stand. */
async function within(yaml: YamlFile, place: string[], check: () => void | Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    yaml.fail(place, error.message);
  }
}

/** What is told, with its paths from the file's folder. */
async function withPaths(folder: string, told: Told, settings: readonly Setting[]): Promise<Told> {
  const paths = new Map(settings.flatMap(({ name, path }) => (path ? [[name, path] as const] : [])));
  const place = async (path: "always" | "maybe", value: unknown): Promise<unknown> => {
    if (typeof value !== "string" || NO_PATHS.includes(value)) return value;
    const joined = inFolder(folder, value);
    return path === "always" || (await pathExists(joined)) ? joined : value;
  };
  const placed: Told = {};
  for (const [name, value] of Object.entries(told)) {
    const path = paths.get(name);
    if (!path) placed[name] = value;
    else if (typeof value !== "object") placed[name] = await place(path, value);
    // a mapping of files to keys, or a list
    else placed[name] = await Promise.all([textsOf(value)].flat().map((one) => place(path, one)));
  }
  return placed;
}

function inFolder(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function nameOfFile(yaml: YamlFile, file: string): string {
  const name = basename(file).replace(/\.ya?ml$/i, "");
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) return name;
  return yaml.fail([], `'${name}' is no name for a pipeline: give it one with 'name'`);
}
