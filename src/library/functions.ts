// The functions of the library, by name: which command each is, and what of its flags it leaves to the terminal.

import { trainers } from "../trainers/index.js";

/** What a command calls once its flags are parsed: given its arguments, its flags, and a Caller of cli/progress.ts. */
export type Call = (...given: never[]) => Promise<unknown>;

/** A function of the library. */
export interface LibraryFunction {
  name: string;
  command: string;
  /** the file of cli/commands that holds what it calls, without .ts */
  file: string;
  load: () => Promise<Call>;
  /** options, by their names, that are the terminal's or another function's */
  without?: readonly string[];
  /** options that must be set, beside those that the command line must have */
  needs?: readonly string[];
  /** with no `out`, or with `-`, it writes to standard output from the command line */
  writes?: true;
}

/** Options of every command that are about a terminal, or about options from elsewhere. */
export const ofTerminal = ["json", "quiet", "progress", "color", "logFormat", "config"];

const ofEdges = ["source", "target", "weight", "directed"];

/** Every function, in the order of the commands. */
export const functions: readonly LibraryFunction[] = [
  {
    ...{ name: "inspect", command: "inspect", file: "inspect", without: ofEdges },
    load: async () => (await import("../cli/commands/inspect.js")).callInspect,
  },
  {
    ...{ name: "inspectEdges", command: "inspect", file: "inspect" },
    ...{ needs: ["source", "target"], without: ["writeConfig", "timeFormat"] },
    load: async () => (await import("../cli/commands/inspect.js")).callInspectEdges,
  },
  {
    ...{ name: "encode", command: "encode", file: "encode" },
    load: async () => (await import("../cli/commands/encode.js")).callEncode,
  },
  ...trainers.map(({ command, load }): LibraryFunction => ({
    ...{ name: camelCase(command), command, file: "train" },
    async load() {
      const { trainer } = await load();
      const { callTrain } = await import("../cli/commands/train.js");
      const call = (paths: string[], _: object, caller: Parameters<typeof callTrain>[2]) =>
        callTrain(trainer, paths, caller);
      // the declarations name what it calls
      return Object.defineProperty(call, "name", { value: callTrain.name });
    },
  })),
  {
    ...{ name: "lift", command: "lift", file: "lift", without: ["format"] },
    load: async () => (await import("../cli/commands/lift.js")).callLift,
  },
  {
    ...{ name: "predict", command: "predict", file: "predict", writes: true },
    load: async () => (await import("../cli/commands/predict.js")).callPredict,
  },
  {
    ...{ name: "transform", command: "transform", file: "transform", writes: true },
    without: ["withScores"],
    load: async () => (await import("../cli/commands/transform.js")).callTransform,
  },
  {
    ...{ name: "importTable", command: "import", file: "import" },
    load: async () => (await import("../cli/commands/import.js")).callImport,
  },
  {
    ...{ name: "exportRun", command: "export", file: "export", writes: true },
    load: async () => (await import("../cli/commands/export.js")).callExport,
  },
  {
    ...{ name: "indexRun", command: "index", file: "index" },
    load: async () => (await import("../cli/commands/index.js")).callIndex,
  },
  {
    ...{ name: "neighbors", command: "neighbors", file: "neighbors" },
    // rows of a file: it returns the lists
    without: ["format", "out", "force"],
    load: async () => (await import("../cli/commands/neighbors.js")).callNeighbors,
  },
  {
    ...{ name: "recall", command: "recall", file: "recall", writes: true },
    load: async () => (await import("../cli/commands/recall.js")).callRecall,
  },
  {
    ...{ name: "evaluate", command: "evaluate", file: "evaluate", without: ["format"] },
    load: async () => (await import("../cli/commands/evaluate.js")).callEvaluate,
  },
  {
    ...{ name: "compareTrainers", command: "compare", file: "compare" },
    load: async () => (await import("../cli/commands/compare.js")).callCompare,
  },
  {
    ...{ name: "diffRuns", command: "diff", file: "diff" },
    load: async () => (await import("../cli/commands/diff.js")).callDiff,
  },
  {
    ...{ name: "report", command: "report", file: "report", writes: true },
    load: async () => (await import("../cli/commands/report.js")).callReport,
  },
  {
    ...{ name: "publish", command: "publish", file: "publish" },
    load: async () => (await import("../cli/commands/publish.js")).callPublish,
  },
  {
    ...{ name: "rollback", command: "rollback", file: "rollback" },
    load: async () => (await import("../cli/commands/rollback.js")).callRollback,
  },
  {
    ...{ name: "listStore", command: "ls", file: "ls" },
    load: async () => (await import("../cli/commands/ls.js")).callLs,
  },
  {
    ...{ name: "gc", command: "gc", file: "gc" },
    load: async () => (await import("../cli/commands/gc.js")).callGc,
  },
  {
    ...{ name: "forget", command: "forget", file: "forget" },
    load: async () => (await import("../cli/commands/forget.js")).callForget,
  },
  {
    ...{ name: "gate", command: "gate", file: "gate" },
    load: async () => (await import("../cli/commands/gate.js")).callGate,
  },
  {
    ...{ name: "runPipeline", command: "run", file: "run" },
    // commands of the shell, and a schema that the package ships as a file
    without: ["onSuccess", "onFailure", "printSchema"],
    load: async () => (await import("../cli/commands/run.js")).callRun,
  },
  {
    ...{ name: "initPipeline", command: "init", file: "init" },
    load: async () => (await import("../cli/commands/init.js")).callInit,
  },
  {
    ...{ name: "alignRun", command: "align", file: "align" },
    load: async () => (await import("../cli/commands/align.js")).callAlign,
  },
  {
    ...{ name: "reproduce", command: "reproduce", file: "reproduce" },
    load: async () => (await import("../cli/commands/reproduce.js")).callReproduce,
  },
  {
    ...{ name: "schedule", command: "schedule", file: "schedule" },
    load: async () => (await import("../cli/commands/schedule.js")).callSchedule,
  },
];

/** `trainName` of `train-name`. */
function camelCase(command: string): string {
  return command.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
