// The commands by name, in the order of the help. A command is loaded when it is used: loading the modules of all of
// them takes longer than most commands.

import { trainers } from "../../trainers/index.js";
import type { CommandEntry } from "./command-spec.js";

/** All commands of the program. */
export const commands: readonly CommandEntry[] = [
  {
    name: "inspect",
    stage: "Look:",
    summary: "show a log's columns, their inferred roles, values and problems",
    load: async () => (await import("./commands/inspect.js")).command,
  },
  {
    name: "encode",
    stage: "Look:",
    summary: "write a log as an encoded dataset, which commands read faster than the log",
    library: { name: "encode", file: "use/encode.js" },
    load: async () => (await import("./commands/encode.js")).command,
  },
  ...trainers.map(({ command, summary, load }) => ({
    name: command,
    stage: "Train:" as const,
    summary,
    library: { name: camelCase(command), file: "training/session/session.js", as: "train" },
    load: async () => (await import("./commands/train.js")).trainerCommand((await load()).trainer),
  })),
  {
    name: "predict",
    stage: "Use:",
    summary: "write a probability or a score for each row of a log",
    library: { name: "predict", file: "use/predict/predict.js" },
    load: async () => (await import("./commands/predict.js")).command,
  },
  {
    name: "transform",
    stage: "Use:",
    summary: "encode new rows with a run's model",
    library: { name: "transform", file: "use/transform/transform.js" },
    load: async () => (await import("./commands/transform.js")).command,
  },
  {
    name: "import",
    stage: "Use:",
    summary: "convert another tool's table to a run",
    library: { name: "importTable", file: "use/import/import.js" },
    load: async () => (await import("./commands/import.js")).command,
  },
  {
    name: "export",
    stage: "Use:",
    summary: "write a run's table in another tool's format",
    keeps:
      "no file was written or replaced; a server keeps its previous rows; output on stdout is incomplete",
    library: { name: "exportRun", file: "use/export/export.js" },
    load: async () => (await import("./commands/export.js")).command,
  },
  {
    name: "index",
    stage: "Use:",
    summary: "build an HNSW index of a field's vectors, for --index and hnswlib",
    library: { name: "indexRun", file: "use/index/build.js" },
    load: async () => (await import("./commands/index.js")).command,
  },
  {
    name: "neighbors",
    stage: "Use:",
    summary: "show the rows nearest to a key",
    library: { name: "neighbors", file: "use/neighbors/neighbors.js", as: "neighborsOf" },
    load: async () => (await import("./commands/neighbors.js")).command,
  },
  {
    name: "recall",
    stage: "Use:",
    summary: "write top-k lists of items for every user, or for every item",
    library: { name: "recall", file: "use/recall/recall.js" },
    load: async () => (await import("./commands/recall.js")).command,
  },
  {
    name: "evaluate",
    stage: "Judge:",
    summary: "evaluate runs on held-out data and compare them with baselines",
    library: { name: "evaluate", file: "judge/evaluate/evaluate.js" },
    load: async () => (await import("./commands/evaluate.js")).command,
  },
  {
    name: "compare",
    stage: "Judge:",
    summary: "train what suits a log, and rank the runs on one held-out split beside baselines",
    keeps: "no page is written; runs that are finished stay in the folder of runs, each whole",
    library: { name: "compareTrainers", file: "judge/compare/compare.js" },
    load: async () => (await import("./commands/compare.js")).command,
  },
  {
    name: "diff",
    stage: "Judge:",
    summary: "compare the tables of two runs: which vectors and neighbors changed",
    library: { name: "diffRuns", file: "judge/diff.js" },
    load: async () => (await import("./commands/diff.js")).command,
  },
  {
    name: "report",
    stage: "Judge:",
    summary: "write an HTML page about runs: curves, calibration, maps, drift",
    library: { name: "report", file: "weekly/store/report-versions.js", as: "reportVersions" },
    load: async () => (await import("./commands/report.js")).command,
  },
  {
    name: "lift",
    stage: "Judge:",
    summary: "compare a network initialized from a table with random and row-shuffled initializations",
    library: { name: "lift", file: "judge/lift/lift.js" },
    load: async () => await (await import("./commands/lift.js")).command(),
  },
  {
    name: "publish",
    stage: "Weekly job:",
    summary: "publish a run as the latest version of a name in a store",
    library: { name: "publish", file: "weekly/store/publish.js" },
    load: async () => (await import("./commands/publish.js")).command,
  },
  {
    name: "rollback",
    stage: "Weekly job:",
    summary: "point a name's latest back to an earlier version",
    library: { name: "rollback", file: "weekly/store/rollback.js" },
    load: async () => (await import("./commands/rollback.js")).command,
  },
  {
    name: "ls",
    stage: "Weekly job:",
    summary: "list a store's versions and check that they are complete",
    library: { name: "listStore", file: "weekly/store/ls.js" },
    load: async () => (await import("./commands/ls.js")).command,
  },
  {
    name: "gc",
    stage: "Weekly job:",
    summary: "remove old versions and leftovers of killed commands from a store",
    keeps: "some versions may already be removed; run the same command again to finish",
    library: { name: "gc", file: "weekly/store/gc.js" },
    load: async () => (await import("./commands/gc.js")).command,
  },
  {
    name: "forget",
    stage: "Weekly job:",
    summary: "remove keys from every version of a store, or from a run",
    keeps: "some versions may already be rewritten; run the same command again to finish",
    library: { name: "forget", file: "weekly/forget/forget.js" },
    load: async () => (await import("./commands/forget.js")).command,
  },
  {
    name: "gate",
    stage: "Weekly job:",
    summary: "check a dataset or a run against bounds, as the weekly job does",
    library: { name: "gate", file: "weekly/gates/gate.js", as: "tryGates" },
    load: async () => (await import("./commands/gate.js")).command,
  },
  {
    name: "run",
    stage: "Weekly job:",
    summary: "run a pipeline file: encode, gate, train, align, export, publish",
    keeps: "nothing incomplete was published, and finished steps are kept: run the same command to continue",
    library: { name: "runPipeline", file: "weekly/pipeline/run.js" },
    load: async () => (await import("./commands/run.js")).command,
  },
  {
    name: "init",
    stage: "Weekly job:",
    summary: "write a commented pipeline file for a log, for embed run",
    library: { name: "initPipeline", file: "weekly/pipeline/init-pipeline.js" },
    load: async () => (await import("./commands/init.js")).command,
  },
  {
    name: "align",
    stage: "Weekly job:",
    summary: "rotate a run's vectors to match an earlier run's (orthogonal Procrustes)",
    library: { name: "alignRun", file: "use/align.js" },
    load: async () => (await import("./commands/align.js")).command,
  },
  {
    name: "concat",
    stage: "Weekly job:",
    summary: "write the tables of several runs side by side as one run",
    library: { name: "concatRuns", file: "use/concat.js" },
    load: async () => (await import("./commands/concat.js")).command,
  },
  {
    name: "reproduce",
    stage: "Weekly job:",
    summary: "train a run again and compare the bytes",
    library: { name: "reproduce", file: "judge/reproduce/reproduce.js" },
    load: async () => (await import("./commands/reproduce.js")).command,
  },
  {
    name: "schedule",
    stage: "Weekly job:",
    summary: "print a crontab line, systemd timer, Kubernetes job or Airflow DAG for a pipeline",
    library: { name: "schedule", file: "weekly/pipeline/schedule.js" },
    load: async () => (await import("./commands/schedule.js")).command,
  },
  {
    name: "help",
    stage: "Help:",
    summary: "list the commands, show a command's help, or explain a topic",
    load: async () => (await import("./commands/help.js")).help(commands),
  },
  {
    name: "completion",
    stage: "Help:",
    summary: "print a completion script for bash, zsh or fish",
    load: async () => (await import("./commands/completion.js")).completion(commands),
  },
];

function camelCase(command: string): string {
  return command.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
