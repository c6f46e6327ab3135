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

const ofEdges = ["source", "target", "weight", "directed"];

/** Every function, in the order of the commands. */
export const functions: readonly LibraryFunction[] = [
  {
    name: "inspect",
    command: "inspect",
    file: "api/inspect/inspect",
    load: async () => (await import("../cli/commands/inspect.js")).callInspect,
    without: ofEdges,
  },
  {
    ...{ name: "inspectEdges", command: "inspect", file: "api/inspect/inspect-edges" },
    load: async () => (await import("../cli/commands/inspect.js")).callInspectEdges,
    without: ["writeConfig", "timeFormat"],
  },
  {
    name: "encode",
    command: "encode",
    file: "api/encode",
    load: async () => (await import("../cli/commands/encode.js")).callEncode,
  },
  ...trainers.map(({ command, load }) => ({
    ...{ name: camelCase(command), command, file: "training/session/session", as: "train" },
    async load() {
      const { trainer } = await load();
      const { callTrain } = await import("../cli/commands/train.js");
      return (paths: string[], _: object, caller: Parameters<typeof callTrain>[2]) =>
        callTrain(trainer, paths, caller);
    },
  })),
  {
    name: "lift",
    command: "lift",
    file: "api/lift/lift",
    load: async () => (await import("../cli/commands/lift.js")).callLift,
    without: ["format"],
  },
  { name: "predict", command: "predict", file: "api/predict/predict" },
  {
    name: "transform",
    command: "transform",
    file: "api/transform/transform",
    load: async () => (await import("../cli/commands/transform.js")).callTransform,
    without: ["withScores"],
    writes: true,
  },
  {
    name: "importTable",
    command: "import",
    file: "api/import",
    load: async () => (await import("../cli/commands/import.js")).callImport,
  },
  {
    name: "exportRun",
    command: "export",
    file: "api/export/export",
    load: async () => (await import("../cli/commands/export.js")).callExport,
    writes: true,
  },
  {
    name: "indexRun",
    command: "index",
    file: "api/hnsw/build",
    load: async () => (await import("../cli/commands/index.js")).callIndex,
  },
  {
    name: "neighbors",
    command: "neighbors",
    file: "api/neighbors",
    as: "neighborsOf",
    load: async () => (await import("../cli/commands/neighbors.js")).callNeighbors,
    without: ["format", "out", "force"],
  },
  { name: "recall", command: "recall", file: "api/recall/recall" },
  { name: "evaluate", command: "evaluate", file: "api/evaluate/evaluate" },
  {
    name: "compareTrainers",
    command: "compare",
    file: "api/compare/compare",
    load: async () => (await import("../cli/commands/compare.js")).callCompare,
  },
  { name: "diffRuns", command: "diff", file: "api/diff" },
  {
    name: "report",
    command: "report",
    file: "store/report-versions",
    as: "reportVersions",
    load: async () => (await import("../cli/commands/report.js")).callReport,
    writes: true,
  },
  {
    name: "publish",
    command: "publish",
    file: "store/publish",
    load: async () => (await import("../cli/commands/publish.js")).callPublish,
  },
  {
    name: "rollback",
    command: "rollback",
    file: "store/rollback",
    load: async () => (await import("../cli/commands/rollback.js")).callRollback,
  },
  {
    name: "listStore",
    command: "ls",
    file: "store/ls",
    load: async () => (await import("../cli/commands/ls.js")).callLs,
  },
  {
    name: "gc",
    command: "gc",
    file: "store/gc",
    load: async () => (await import("../cli/commands/gc.js")).callGc,
  },
  {
    name: "forget",
    command: "forget",
    file: "privacy/forget",
    load: async () => (await import("../cli/commands/forget.js")).callForget,
  },
  {
    name: "gate",
    command: "gate",
    file: "gates/try-gates",
    as: "tryGates",
    load: async () => (await import("../cli/commands/gate.js")).callGate,
  },
  {
    name: "runPipeline",
    command: "run",
    file: "pipeline/run",
    load: async () => (await import("../cli/commands/run.js")).callRun,
    without: ["onSuccess", "onFailure", "printSchema"],
  },
  {
    name: "initPipeline",
    command: "init",
    file: "pipeline/init-pipeline",
    load: async () => (await import("../cli/commands/init.js")).callInit,
  },
  {
    name: "alignRun",
    command: "align",
    file: "api/align",
    load: async () => (await import("../cli/commands/align.js")).callAlign,
  },
  {
    name: "reproduce",
    command: "reproduce",
    file: "api/reproduce",
    load: async () => (await import("../cli/commands/reproduce.js")).callReproduce,
  },
  {
    name: "schedule",
    command: "schedule",
    file: "pipeline/schedule",
    load: async () => (await import("../cli/commands/schedule.js")).callSchedule,
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
