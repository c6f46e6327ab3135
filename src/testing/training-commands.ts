// Runs training commands in this process: parses the words that a user would type with the command's parser, and calls
// the command's function.

import { Command, CommanderError } from "commander";
import { EmbedError, UsageError } from "../base/errors.js";
import { declareCommand } from "../faces/cli/add-command.js";
import { trainerCommand } from "../faces/cli/commands/train.js";
import { givenOf } from "../options/commander-flags.js";
import type { GivenTraining } from "../training/shared-options/log.js";
import { train } from "../training/session/session.js";
import type { Summary } from "../training/session/summary.js";
import type { Trainer } from "../training/session/trainer.js";
import type { Watch } from "../training/session/watch.js";
import { trainers } from "../trainers/index.js";

/**
 * Trainers by the name of their command. They are loaded one after another, because jest cannot link modules that are
 * imported at the same time.
 */
const loaded = new Map<string, Trainer>();
for (const { command, load } of trainers) loaded.set(command, (await load()).trainer);
export const trainingCommands: ReadonlyMap<string, Trainer> = loaded;

/** Returns a trainer's command with its flags. */
export function commandOf(name: string): Command {
  return declareCommand(new Command(name), trainerCommand(trainingCommands.get(name)!));
}

/** An observer of trainings that ignores all events and never aborts. */
export const unwatched: Watch = { observe: () => undefined, signal: new AbortController().signal };

/** Commands by name; commander forgets the values of one parsing at the next. */
const parsers = new Map<string, Command>();

/**
 * Parses words as the program does.
 *
 * @param words the words after the command: the log, the flags
 * @throws {UsageError} they cannot be parsed
 */
export function parseTraining(name: string, words: readonly string[]): { paths: string[]; given: Given } {
  const command = parsers.get(name) ?? commandOf(name).exitOverride();
  parsers.set(name, command.configureOutput({ writeErr: () => undefined }));
  try {
    command.parse(words, { from: "user" });
  } catch (error) {
    // the program exits with 64 if the parser rejects the words
    if (error instanceof CommanderError) throw new UsageError(error.message);
    throw error;
  }
  return { paths: command.args, given: givenOf(command, trainingCommands.get(name)!.options) as Given };
}

type Given = GivenTraining & { out: string };

/** Trains like `embed NAME WORDS...`. @throws as the command does */
export async function trainInProcess(
  name: string,
  words: readonly string[],
  watch: Watch = unwatched,
): Promise<Summary<object>> {
  const { paths, given } = parseTraining(name, words);
  return await train(trainingCommands.get(name)!, paths, given, watch);
}

/**
 * The outcome of a promise: its result, or an error whose exit code tells the user that the options or the data are
 * wrong.
 */
export type WorkOutcome<T> = { result: T } | { refused: { exitCode: number; message: string } };

/** Waits for a promise; throws any error other than a usage error (64) or bad data (65). */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<WorkOutcome<T>> {
  try {
    return { result: await work() };
  } catch (error) {
    if (!(error instanceof EmbedError) || ![64, 65].includes(error.exitCode)) throw error;
    return { refused: { exitCode: error.exitCode, message: error.message } };
  }
}

/** Returns the paths of all numbers within a value that are NaN or infinite. */
export function notFinite(value: unknown, path = ""): string[] {
  if (typeof value === "number") return Number.isFinite(value) ? [] : [`${path} is ${value}`];
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([name, part]) => notFinite(part, path ? `${path}.${name}` : name));
}
