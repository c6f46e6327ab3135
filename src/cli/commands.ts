// The commands by name, in the order of the help. One is loaded when it is asked for: reading the modules of all of them
// takes longer than most commands do.

import type { Command } from "commander";
import { trainers } from "../trainers/index.js";
import type { Interrupts } from "./interrupts.js";

/** Adds a command with its options to the program. */
type AddCommand = (program: Command, signal: AbortSignal, interrupts: Interrupts) => Command;

export interface CommandEntry {
  name: string;
  /** one line for the program's help */
  summary: string;
  /** what stays when a signal stops it, as a clause; by default that nothing is written */
  keeps?: string;
  load: () => Promise<AddCommand>;
}

/** Every command. */
export const commands: readonly CommandEntry[] = [
  {
    name: "inspect",
    summary: "show a log's columns, their inferred roles and what they hold",
    load: async () => (await import("./commands/inspect.js")).addInspect,
  },
  {
    name: "encode",
    summary: "write a log as an encoded dataset, which training reads in its place",
    load: async () => (await import("./commands/encode.js")).addEncode,
  },
  ...trainers.map(({ command, summary, load }) => ({
    name: command,
    summary,
    load: async (): Promise<AddCommand> => {
      const { addTrainer } = await import("./commands/train.js");
      const { trainer } = await load();
      return (...given) => addTrainer(trainer, ...given);
    },
  })),
  {
    name: "lift",
    summary: "what a table gains a network: from it, at random, and from the table without its meaning",
    load: async () => await (await import("./commands/lift.js")).addLift(),
  },
  {
    name: "predict",
    summary: "write a probability or a score for each row of a log",
    load: async () => (await import("./commands/predict.js")).addPredict,
  },
  {
    name: "transform",
    summary: "encode new rows with a run's model",
    load: async () => (await import("./commands/transform.js")).addTransform,
  },
  {
    name: "import",
    summary: "make a run of another tool's table",
    load: async () => (await import("./commands/import.js")).addImport,
  },
  {
    name: "export",
    summary: "write a run's table in another tool's format",
    keeps:
      "no file is written or replaced, a server keeps the rows that it had; what went to standard output is incomplete",
    load: async () => (await import("./commands/export.js")).addExport,
  },
  {
    name: "index",
    summary: "build an index of a field's nearest neighbours, for neighbors --index and hnswlib",
    load: async () => (await import("./commands/index.js")).addIndex,
  },
  {
    name: "neighbors",
    summary: "show the rows nearest to a key",
    load: async () => (await import("./commands/neighbors.js")).addNeighbors,
  },
  {
    name: "recall",
    summary: "write for every user, or item, a list of the best items",
    load: async () => (await import("./commands/recall.js")).addRecall,
  },
  {
    name: "evaluate",
    summary: "measure runs on a log that they have not seen",
    load: async () => (await import("./commands/evaluate.js")).addEvaluate,
  },
  {
    name: "diff",
    summary: "show what changed from one run's table to another's",
    load: async () => (await import("./commands/diff.js")).addDiff,
  },
  {
    name: "report",
    summary: "draw a page about runs: curves, calibration, maps, drift",
    load: async () => (await import("./commands/report.js")).addReport,
  },
  {
    name: "publish",
    summary: "make a run the latest version of a name in a store",
    load: async () => (await import("./commands/publish.js")).addPublish,
  },
  {
    name: "rollback",
    summary: "let a name's latest be an earlier version again",
    load: async () => (await import("./commands/rollback.js")).addRollback,
  },
  {
    name: "ls",
    summary: "list a store's versions: which is the latest, what they are, whether they are whole",
    load: async () => (await import("./commands/ls.js")).addLs,
  },
  {
    name: "gc",
    summary: "remove a store's old versions, and what killed writers left",
    keeps: "what is removed already is gone, the same command removes the rest",
    load: async () => (await import("./commands/gc.js")).addGc,
  },
  {
    name: "forget",
    summary: "take keys out of every version of a store, or out of a run",
    keeps: "versions that are rewritten already stay so, the same command does the rest",
    load: async () => (await import("./commands/forget.js")).addForget,
  },
  {
    name: "gate",
    summary: "check a dataset or a run against bounds, as the weekly job does",
    load: async () => (await import("./commands/gate.js")).addGate,
  },
  {
    name: "run",
    summary: "the weekly job of a pipeline file: encode, gate, train, align, export, publish",
    keeps:
      "nothing that is not whole is published, and finished steps are kept: the same command goes on from there",
    load: async () => (await import("./commands/run.js")).addRun,
  },
  {
    name: "init",
    summary: "write a commented pipeline file for a log, to be run by embed run",
    load: async () => (await import("./commands/init.js")).addInit,
  },
  {
    name: "align",
    summary: "turn a run's vectors onto an earlier run's",
    load: async () => (await import("./commands/align.js")).addAlign,
  },
  {
    name: "reproduce",
    summary: "train a run once more and tell whether the bytes agree",
    load: async () => (await import("./commands/reproduce.js")).addReproduce,
  },
  {
    name: "schedule",
    summary: "print a crontab line, a systemd timer, a Kubernetes job or an Airflow DAG",
    load: async () => (await import("./commands/schedule.js")).addSchedule,
  },
];
