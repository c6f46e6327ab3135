// Options that commands of a store share: which one, and how long to wait for another writer.

import { Option, type Command } from "commander";
import { basename, dirname, normalize } from "node:path";
import { UsageError } from "../errors.js";
import { taking } from "../flags/parsers.js";
import type { Watch } from "../training/session/watch.js";

export interface WriterFlags {
  wait?: number;
  quiet?: boolean;
}

const MILLISECONDS = { s: 1000, m: 60_000, h: 3_600_000 };

/** A span such as 30s, 10m or 2h, in milliseconds. @throws {UsageError} */
function spanOf(text: string): number {
  const [, count, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  if (count === undefined)
    throw new UsageError(`--wait expects a duration such as 10m (s, m, h), got '${text}'`);
  return Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
}

/** Adds the option of commands that write to a store. */
export function addWaitOption(command: Command): Command {
  return command.addOption(
    new Option(
      "--wait <span>",
      "how long to wait while another command writes to the store, such as 10m (s, m, h)",
    )
      .argParser(taking("string", spanOf))
      .default(undefined, "do not wait, exit with 75"),
  );
}

/** The flags as a writer's options. */
export function writerOf({ wait }: WriterFlags, { signal, observe }: Watch) {
  return {
    waitMs: wait ?? 0,
    signal,
    observe: (text: string): void => observe({ stage: "note", text }),
  };
}

/** STORE/NAME as a store and a name in it. @throws {UsageError} one of them is lacking */
export function storeAndName(text: string): { store: string; name: string } {
  const path = normalize(text).replace(/\/+$/, "");
  const name = basename(path);
  if (name === "" || name === "." || name === "..") {
    throw new UsageError(`expected STORE/NAME, such as store/items, got '${text}'`);
  }
  return { store: dirname(path), name };
}
