// Parses a pipeline file into the options of its steps and checks them before anything runs; errors have line and
// column.
//
// Paths are relative to the file, so that cron may start the pipeline from any directory.

import { basename, dirname } from "node:path";
import type { ConfigSetting } from "../../options/config-file.js";
import type { AfterBounds, BeforeBounds } from "../gates/gates-schema.js";
import {
  pipelineJsonSchema,
  pipelineSchema,
  type PipelineContent,
  type YamlOptions,
} from "./pipeline-schema.js";
import { openYaml, type YamlFile } from "../../options/yaml-file.js";
import { isRemote } from "../../log/log.js";
import { checkEncoding, checkTraining, pipelineSettings, withDefaults } from "./commands.js";
import {
  checkPlaces,
  exportEntry,
  recallEntry,
  type PipelineExport,
  type PipelineRecall,
  type PipelineSend,
  engineNameInFolder,
  inFolder,
  within,
  withPaths,
} from "./exports.js";

export interface PipelineTraining {
  name: string;
  command: string;
  /** flags of the training's command, by their long names */
  given: YamlOptions;
  /** bounds of the trained run: the training's own, or else those of the pipeline */
  bounds: AfterBounds;
  /** whether the run is aligned to the previous version; when undefined, it is if its model allows it */
  align: boolean | undefined;
}

export interface Pipeline {
  file: string;
  name: string;
  store: string;
  /** files and patterns of the log, as the file names them */
  logs: string[];
  encoding: YamlOptions;
  before: BeforeBounds;
  /** whether refused files are left out of the log, as long as they do not change */
  leavesOut: boolean;
  trainings: PipelineTraining[];
  exports: PipelineExport[];
  recalls: PipelineRecall[];
  sends: PipelineSend[];
}

export async function pipelineFileSchema(): Promise<string> {
  return pipelineJsonSchema(await pipelineSettings());
}

let schema: ReturnType<typeof pipelineSchema> | undefined;

/** Checks the file as far as possible without the log. @throws {ConfigError} unreadable, or options are invalid */
export async function readPipeline(file: string): Promise<Pipeline> {
  const yaml = await openYaml(file, "the pipeline file");
  const settings = await pipelineSettings();
  const content = yaml.check((schema ??= pipelineSchema(settings)));
  const folder = dirname(file);
  const logs = (typeof content.log === "string" ? [content.log] : content.log).map((path) => {
    if (path === "-") yaml.fail(["log"], "a pipeline cannot read standard input: name files");
    return isRemote(path) ? engineNameInFolder(folder, path) : inFolder(folder, path);
  });
  const encoding: YamlOptions = {
    ...(await withPaths(folder, content.columns ?? {}, settings.columns)),
    ...(await withPaths(folder, content.reading ?? {}, settings.reading)),
  };
  const { engine } = encoding;
  if (typeof engine === "string") encoding["engine"] = engineNameInFolder(folder, engine);
  else if (logs.some(isRemote))
    yaml.fail(
      ["log"],
      "tables, queries and remote files need the engine that reads them: reading: { engine: ... }",
    );
  await within(yaml, ["log"], async () =>
    checkEncoding(encoding, (name, message) =>
      yaml.fail([Object.hasOwn(content.columns ?? {}, name) ? "columns" : "reading", name], message),
    ),
  );
  const trainings: PipelineTraining[] = [];
  for (const [name, entry] of Object.entries(content.train)) {
    trainings.push(await trainingOf(yaml, folder, name, entry, content, settings.trainings[entry.command]!));
  }
  const names = trainings.map(({ name }) => name);
  const exports: PipelineExport[] = [];
  const sends: PipelineSend[] = [];
  for (const [i, entry] of (content.export ?? []).entries()) {
    const place = ["export", String(i)];
    const read = await exportEntry(yaml, folder, place, entry, names, settings.export);
    if ("variable" in read) sends.push(read);
    else {
      checkPlaces(yaml, exports, read, place);
      exports.push(read);
    }
  }
  const recalls: PipelineRecall[] = [];
  for (const [i, entry] of (content.recall ?? []).entries()) {
    const place = ["recall", String(i)];
    const read = await recallEntry(yaml, folder, place, entry, names, settings.recall);
    checkPlaces(yaml, [...exports, ...recalls], read, place);
    recalls.push(read);
  }
  for (const { name, bounds } of trainings)
    if (bounds.lists && !recalls.some(({ train }) => train === name))
      checkListBounds(yaml, content, name, recalls);
  return {
    file,
    name: content.name ?? nameOfFile(yaml, file),
    store: inFolder(folder, content.store),
    logs,
    encoding,
    before: content.gates?.before ?? {},
    leavesOut: content.gates?.refused === "leave-out",
    trainings,
    exports,
    recalls,
    sends,
  };
}

/** @throws {ConfigError} there is the gate `lists`, but no entry of `recall` makes lists for the training */
function checkListBounds(
  yaml: YamlFile,
  content: PipelineContent,
  name: string,
  recalls: readonly PipelineRecall[],
): void {
  const own = content.train[name]!["gates"] !== undefined;
  if (!own && recalls.length > 0) return;
  yaml.fail(
    own ? ["train", name, "gates", "lists"] : ["gates", "after", "lists"],
    "gate 'lists' needs an entry in 'recall': add one, or remove 'lists'",
  );
}

async function trainingOf(
  yaml: YamlFile,
  folder: string,
  name: string,
  { command, gates, align, ...rest }: PipelineContent["train"][string],
  content: PipelineContent,
  settings: readonly ConfigSetting[],
): Promise<PipelineTraining> {
  const place = ["train", name];
  const fail = (key: string, message: string) => yaml.fail([...place, key], message);
  const given = await withDefaults(command, await withPaths(folder, rest, settings), fail);
  await within(yaml, place, () => checkTraining(command, given, fail));
  return {
    name,
    command,
    given,
    bounds: (gates as AfterBounds | undefined) ?? content.gates?.after ?? {},
    align: (align as boolean | undefined) ?? content.align,
  };
}

function nameOfFile(yaml: YamlFile, file: string): string {
  const name = basename(file).replace(/\.ya?ml$/i, "");
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) return name;
  return yaml.fail([], `'${name}' is not a valid pipeline name: set another one with 'name'`);
}
