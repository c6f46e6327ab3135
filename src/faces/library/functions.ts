import { commands } from "../cli/commands.js";
import type { CommandSpec } from "../cli/command-spec.js";
import { trainers } from "../../trainers/index.js";

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
    ...{ name: "inspect", command: "inspect", file: "judge/inspect/inspect.js" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectLog,
  },
  {
    ...{ name: "inspectEdges", command: "inspect", file: "judge/inspect/inspect-edges.js" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectEdges,
  },
  { name: "encode", command: "encode", file: "use/encode.js" },
  ...trainers.map(({ command }) => ({
    ...{ name: camelCase(command), command, file: "training/session/session.js", as: "train" },
  })),
  { name: "lift", command: "lift", file: "judge/lift/lift.js" },
  { name: "predict", command: "predict", file: "use/predict/predict.js" },
  { name: "transform", command: "transform", file: "use/transform/transform.js" },
  { name: "importTable", command: "import", file: "use/import/import.js" },
  { name: "exportRun", command: "export", file: "use/export/export.js" },
  { name: "indexRun", command: "index", file: "use/index/build.js" },
  { name: "neighbors", command: "neighbors", file: "use/neighbors/neighbors.js", as: "neighborsOf" },
  { name: "recall", command: "recall", file: "use/recall/recall.js" },
  { name: "evaluate", command: "evaluate", file: "judge/evaluate/evaluate.js" },
  { name: "compareTrainers", command: "compare", file: "judge/compare/compare.js" },
  { name: "diffRuns", command: "diff", file: "judge/diff.js" },
  { name: "report", command: "report", file: "weekly/store/report-versions.js", as: "reportVersions" },
  { name: "publish", command: "publish", file: "weekly/store/publish.js" },
  { name: "rollback", command: "rollback", file: "weekly/store/rollback.js" },
  { name: "listStore", command: "ls", file: "weekly/store/ls.js" },
  { name: "gc", command: "gc", file: "weekly/store/gc.js" },
  { name: "forget", command: "forget", file: "weekly/forget/forget.js" },
  { name: "gate", command: "gate", file: "weekly/gates/gate.js", as: "tryGates" },
  { name: "runPipeline", command: "run", file: "weekly/pipeline/run.js" },
  { name: "initPipeline", command: "init", file: "weekly/pipeline/init-pipeline.js" },
  { name: "alignRun", command: "align", file: "use/align.js" },
  { name: "reproduce", command: "reproduce", file: "judge/reproduce/reproduce.js" },
  { name: "schedule", command: "schedule", file: "weekly/pipeline/schedule.js" },
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
