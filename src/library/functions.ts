// The functions of the library, by name: which command each is, and where what it resolves to is declared.

import { commands } from "../cli/commands.js";
import type { CommandSpec } from "../cli/command-spec.js";
import { trainers } from "../trainers/index.js";

/** What a command that no spec describes calls: given its arguments, its flags, and a Caller of cli/progress.ts. */
export type Call = (...given: never[]) => Promise<unknown>;

/** A function of the library. */
export interface LibraryFunction {
  name: string;
  command: string;
  /** the file whose function declares what it resolves to, without .ts */
  file: string;
  /** that function; of the same name when absent */
  as?: string;
  /** of a function that is one of several of a command */
  spec?: () => Promise<CommandSpec>;
  /** of a command that no spec describes, as are the two that follow */
  load?: () => Promise<Call>;
  without?: readonly string[];
  writes?: true;
}

/** Options of a command that no spec describes which are about a terminal, or about options from elsewhere. */
export const ofTerminal = ["json", "quiet", "progress", "color", "logFormat", "config"];

/** Every function, in the order of the commands. */
export const functions: readonly LibraryFunction[] = [
  {
    ...{ name: "inspect", command: "inspect", file: "api/inspect/inspect" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectLog,
  },
  {
    ...{ name: "inspectEdges", command: "inspect", file: "api/inspect/inspect-edges" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectEdges,
  },
  {
    name: "encode",
    command: "encode",
    file: "api/encode",
  },
  ...trainers.map(({ command }) => ({
    ...{ name: camelCase(command), command, file: "training/session/session", as: "train" },
  })),
  {
    name: "lift",
    command: "lift",
    file: "api/lift/lift",
  },
  { name: "predict", command: "predict", file: "api/predict/predict" },
  {
    name: "transform",
    command: "transform",
    file: "api/transform/transform",
  },
  {
    name: "importTable",
    command: "import",
    file: "api/import",
  },
  {
    name: "exportRun",
    command: "export",
    file: "api/export/export",
  },
  {
    name: "indexRun",
    command: "index",
    file: "api/hnsw/build",
  },
  {
    name: "neighbors",
    command: "neighbors",
    file: "api/neighbors",
    as: "neighborsOf",
  },
  { name: "recall", command: "recall", file: "api/recall/recall" },
  { name: "evaluate", command: "evaluate", file: "api/evaluate/evaluate" },
  {
    name: "compareTrainers",
    command: "compare",
    file: "api/compare/compare",
  },
  { name: "diffRuns", command: "diff", file: "api/diff" },
  {
    name: "report",
    command: "report",
    file: "store/report-versions",
    as: "reportVersions",
  },
  {
    name: "publish",
    command: "publish",
    file: "store/publish",
  },
  {
    name: "rollback",
    command: "rollback",
    file: "store/rollback",
  },
  {
    name: "listStore",
    command: "ls",
    file: "store/ls",
  },
  {
    name: "gc",
    command: "gc",
    file: "store/gc",
  },
  {
    name: "forget",
    command: "forget",
    file: "privacy/forget",
  },
  {
    name: "gate",
    command: "gate",
    file: "gates/try-gates",
    as: "tryGates",
  },
  {
    name: "runPipeline",
    command: "run",
    file: "pipeline/run",
  },
  {
    name: "initPipeline",
    command: "init",
    file: "pipeline/init-pipeline",
  },
  {
    name: "alignRun",
    command: "align",
    file: "api/align",
  },
  {
    name: "reproduce",
    command: "reproduce",
    file: "api/reproduce",
  },
  {
    name: "schedule",
    command: "schedule",
    file: "pipeline/schedule",
  },
];

/** The command of a function; undefined of one that no spec describes. */
export async function specOf({ command, spec }: LibraryFunction): Promise<CommandSpec | undefined> {
  const loaded = await (spec?.() ?? commands.find(({ name }) => name === command)!.load());
  return typeof loaded === "function" ? undefined : loaded;
}

/** `trainFm` of `train-fm`. */
function camelCase(command: string): string {
  return command.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
