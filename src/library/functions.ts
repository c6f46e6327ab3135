import { commands } from "../cli/commands.js";
import type { CommandSpec } from "../cli/command-spec.js";
import { trainers } from "../trainers/index.js";

/** A function of the library. */
export interface LibraryFunction {
  name: string;
  command: string;
  /** compiled file of the function that declares the result type */
  file: string;
  /** name of the exported function that declares the result type, if it differs from `name` */
  as?: string;
  /** returns the specification of the command; only set if the command has several functions */
  spec?: () => Promise<CommandSpec>;
}

/** All functions of the library, in the order of the commands. */
export const functions: readonly LibraryFunction[] = [
  {
    ...{ name: "inspect", command: "inspect", file: "api/inspect/inspect.js" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectLog,
  },
  {
    ...{ name: "inspectEdges", command: "inspect", file: "api/inspect/inspect-edges.js" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectEdges,
  },
  { name: "encode", command: "encode", file: "api/encode.js" },
  ...trainers.map(({ command }) => ({
    ...{ name: camelCase(command), command, file: "training/session/session.js", as: "train" },
  })),
  { name: "lift", command: "lift", file: "api/lift/lift.js" },
  { name: "predict", command: "predict", file: "api/predict/predict.js" },
  { name: "transform", command: "transform", file: "api/transform/transform.js" },
  { name: "importTable", command: "import", file: "api/import/import.js" },
  { name: "exportRun", command: "export", file: "api/export/export.js" },
  { name: "indexRun", command: "index", file: "api/hnsw/build.js" },
  { name: "neighbors", command: "neighbors", file: "api/neighbors.js", as: "neighborsOf" },
  { name: "recall", command: "recall", file: "api/recall/recall.js" },
  { name: "evaluate", command: "evaluate", file: "api/evaluate/evaluate.js" },
  { name: "compareTrainers", command: "compare", file: "api/compare/compare.js" },
  { name: "diffRuns", command: "diff", file: "api/diff.js" },
  { name: "report", command: "report", file: "store/report-versions.js", as: "reportVersions" },
  { name: "publish", command: "publish", file: "store/publish.js" },
  { name: "rollback", command: "rollback", file: "store/rollback.js" },
  { name: "listStore", command: "ls", file: "store/ls.js" },
  { name: "gc", command: "gc", file: "store/gc.js" },
  { name: "forget", command: "forget", file: "privacy/forget.js" },
  { name: "gate", command: "gate", file: "gates/gate.js", as: "tryGates" },
  { name: "runPipeline", command: "run", file: "pipeline/run.js" },
  { name: "initPipeline", command: "init", file: "pipeline/init-pipeline.js" },
  { name: "alignRun", command: "align", file: "api/align.js" },
  { name: "concatRuns", command: "concat", file: "api/concat.js" },
  { name: "reproduce", command: "reproduce", file: "api/reproduce.js" },
  { name: "schedule", command: "schedule", file: "pipeline/schedule.js" },
];

/** Returns the specification of a function's command. */
export async function specOf({
  command,
  spec,
}: Pick<LibraryFunction, "command" | "spec">): Promise<CommandSpec> {
  return await (spec ?? commands.find(({ name }) => name === command)!.load)();
}

function camelCase(command: string): string {
  return command.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
