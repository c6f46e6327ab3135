// Training commands in process: the words that a user types → the command's own parser → its function of the API.

import { Command, CommanderError } from "commander";
import type { Watch } from "../training/watch.js";
import type { Summary } from "../training/summary.js";
import { trainFm } from "../trainers/fm/command.js";
import { trainGbdt } from "../trainers/gbdt/command.js";
import { trainNet } from "../trainers/net/command.js";
import { trainPca } from "../trainers/pca/command.js";
import { EmbedError, UsageError } from "../errors.js";
import type { AddFlags } from "../flags/from-file.js";
import { addTrainFmFlags, trainFmOf, type TrainFmFlags } from "../flags/train-fm.js";
import { addTrainGbdtFlags, trainGbdtOf, type TrainGbdtFlags } from "../flags/train-gbdt.js";
import { addTrainNetFlags, trainNetOf, type TrainNetFlags } from "../flags/train-net.js";
import { addTrainPcaFlags, trainPcaOf, type TrainPcaFlags } from "../flags/train-pca.js";

type Flags = Record<string, unknown>;

interface TrainingCommand {
  /** declares the flags */
  add: AddFlags;
  train: (paths: readonly string[], flags: Flags, watch: Watch) => Promise<Summary<object>>;
}

// a flag object is what commander gives: the declared flags, each with its parser's type
const as = <T>(flags: Flags) => flags as unknown as T;

/** Every command that trains. A new one is a line here and a row of trainers.ts. */
export const trainingCommands = {
  "train-fm": {
    add: addTrainFmFlags,
    train: async (paths, flags, watch) => trainFm(paths, await trainFmOf(as<TrainFmFlags>(flags)), watch),
  },
  "train-gbdt": {
    add: addTrainGbdtFlags,
    train: async (paths, flags, watch) =>
      trainGbdt(paths, await trainGbdtOf(as<TrainGbdtFlags>(flags)), watch),
  },
  "train-net": {
    add: addTrainNetFlags,
    train: async (paths, flags, watch) => trainNet(paths, await trainNetOf(as<TrainNetFlags>(flags)), watch),
  },
  "train-pca": {
    add: addTrainPcaFlags,
    train: async (paths, flags, watch) => trainPca(paths, await trainPcaOf(as<TrainPcaFlags>(flags)), watch),
  },
} satisfies Record<string, TrainingCommand>;

export type TrainingName = keyof typeof trainingCommands;

/** A watch that hears nothing and is never aborted. */
export const unwatched: Watch = { observe: () => undefined, signal: new AbortController().signal };

/**
 * Parses the words as the program does.
 *
 * @param words what follows the command: the log, the flags
 * @throws {UsageError} they cannot be parsed
 */
export function parseTraining(
  name: TrainingName,
  words: readonly string[],
): { paths: string[]; flags: Flags } {
  const command = trainingCommands[name].add(new Command(name));
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  try {
    command.parse(words, { from: "user" });
  } catch (error) {
    // the program ends with 64 where its parser refuses
    if (error instanceof CommanderError) throw new UsageError(error.message);
    throw error;
  }
  return { paths: command.args, flags: command.opts() };
}

/** Trains as `embed NAME WORDS...` would. @throws as the command does */
export async function trainInProcess(
  name: TrainingName,
  words: readonly string[],
  watch: Watch = unwatched,
): Promise<Summary<object>> {
  const { paths, flags } = parseTraining(name, words);
  return await trainingCommands[name].train(paths, flags, watch);
}

/** How a piece of work ended: with its result, or refused with an exit code that a user can act upon. */
export type Outcome<T> = { result: T } | { refused: { exitCode: number; message: string } };

/** Waits for the work; any error but a usage error (64) or bad data (65) is thrown on. */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { result: await work() };
  } catch (error) {
    if (!(error instanceof EmbedError) || ![64, 65].includes(error.exitCode)) throw error;
    return { refused: { exitCode: error.exitCode, message: error.message } };
  }
}

/** Paths of the numbers in a value that are NaN or infinite. */
export function notFinite(value: unknown, path = ""): string[] {
  if (typeof value === "number") return Number.isFinite(value) ? [] : [`${path} is ${value}`];
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([name, part]) => notFinite(part, path ? `${path}.${name}` : name));
}
