// --max-memory: when rows of an encoded dataset stay on disk.

import { Option, type Command } from "commander";
import { totalmem } from "node:os";
import { UsageError } from "../errors.js";

const UNITS: Record<string, number> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

export interface MemoryFlags {
  maxMemory?: number;
}

/** Adds the option. */
export function addMemoryOption(command: Command): Command {
  return command.addOption(
    new Option(
      "--max-memory <size>",
      "what rows of an encoded dataset may take, such as 4G: of a larger one they are read from disk as they are needed",
    )
      .helpGroup("Reading:")
      .argParser(sizeOf)
      .default(undefined, "half the machine's"),
  );
}

/** The flag as an option of the api. */
export function memoryOf({ maxMemory = totalmem() / 2 }: MemoryFlags): { maxMemory: number } {
  return { maxMemory };
}

/** Bytes of `500M`, `4G`, `4GiB`, `4GB` or a number. @throws {UsageError} none of these */
function sizeOf(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([KMG]?)(?:i?B)?$/iu.exec(text) ?? [];
  if (number === undefined)
    throw new UsageError(`--max-memory expects a size such as 500M or 4G, got '${text}'`);
  return Number(number) * UNITS[unit!.toUpperCase()]!;
}
