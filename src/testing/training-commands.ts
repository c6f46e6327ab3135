// Training commands in process: the words that a user types → the command's own parser → its function of the API.

import { Command, CommanderError } from "commander";
import { EmbedError, UsageError } from "../errors.js";
import { declareCommand } from "../cli/add-command.js";
import { trainerCommand } from "../cli/commands/train.js";
import { givenOf } from "../flags/table-option.js";
import type { GivenTraining } from "../training/options/log.js";
import { train } from "../training/session/session.js";
import type { Summary } from "../training/session/summary.js";
import type { Trainer } from "../training/session/trainer.js";
import type { Watch } from "../training/session/watch.js";
import { trainers } from "../trainers/index.js";

/** Every trainer by its command; one after the other, since jest cannot link modules that are imported at once. */
const loaded = new Map<string, Trainer>();
for (const { command, load } of trainers) loaded.set(command, (await load()).trainer);
export const trainingCommands: ReadonlyMap<string, Trainer> = loaded;

/** A trainer's command with its flags. */
export function commandOf(name: string): Command {
  return declareCommand(new Command(name), trainerCommand(trainingCommands.get(name)!));
}

/** A watch that hears nothing and is never aborted. */
export const unwatched: Watch = { observe: () => undefined, signal: new AbortController().signal };

/**
 * Parses the words as the program does.
 *
 * @param words what follows the command: the log, the flags
 * @throws {UsageError} they cannot be parsed
 */
export function parseTraining(name: string, words: readonly string[]): { paths: string[]; given: Given } {
  const command = commandOf(name);
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  try {
    command.parse(words, { from: "user" });
  } catch (error) {
    // the program ends with 64 where its parser refuses
    if (error instanceof CommanderError) throw new UsageError(error.message);
    throw error;
  }
  return { paths: command.args, given: givenOf(command, trainingCommands.get(name)!.options) as Given };
}

type Given = GivenTraining & { out: string };

/** Trains as `embed NAME WORDS...` would. @throws as the command does */
export async function trainInProcess(
  name: string,
  words: readonly string[],
  watch: Watch = unwatched,
): Promise<Summary<object>> {
  const { paths, given } = parseTraining(name, words);
  return await train(trainingCommands.get(name)!, paths, given, watch);
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
