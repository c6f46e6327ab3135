// Options of the commands of a store (publish, rollback, ls, gc), and of others that wait for a store's writer.

import { basename, dirname, normalize } from "node:path";
import { UsageError } from "../../base/errors.js";
import type { LockOptions } from "../../base/io/lock.js";
import { custom, flag, text, texts, whole, type Given } from "../../options/table.js";
import type { Watch } from "../../training/session/watch.js";

const group = "Options:";
const MILLISECONDS = { s: 1000, m: 60_000, h: 3_600_000 };

/** Options of commands that write to a store. */
export const wait = {
  wait: custom(
    "span",
    { type: "string", parse: waitMilliseconds },
    {
      help: "how long to wait while another command writes to the store, such as 10m (s, m, h)",
      group,
      default: 0,
      shown: "do not wait, exit with 75",
    },
  ),
} as const;

export const publishOptions = {
  store: text("dir", { help: "store directory; created if it does not exist", group, required: true }),
  name: text("name", { help: "name to publish under, such as items", group, required: true }),
  extra: texts("[place=]path", {
    help:
      "file or directory to publish together with the run, as PLACE=PATH, such as " +
      "exports/items.txt=items.txt; repeatable",
    group,
  }),
  ...wait,
  dryRun: flag({
    help: "check the run and report the version number it would get, without publishing",
    group,
  }),
} as const;

export const rollbackOptions = {
  to: text("version", { help: "version to point latest to, earlier or later", group }),
  ...wait,
  dryRun: flag({ help: "report the version that latest would point to without changing anything", group }),
} as const;

export const listOptions = {
  quick: flag({ help: "check only file sizes instead of checksums, without reading tables", group }),
} as const;

export const gcOptions = {
  keep: whole({
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: "number of newest versions to keep",
    group,
    default: 8,
  }),
  remove: text("version", {
    help: "remove only this version of the name, damaged or not (embed ls shows which are damaged)",
    group,
    not: { keep: true },
  }),
  ...wait,
  dryRun: flag({ help: "report what would be removed without removing it", group }),
} as const;

/** The options of a command that writes to a store, and how long it waits for the store's lock. */
export type WriterOptions<T> = Omit<Given<T>, "wait"> & LockOptions;

/** Returns how long a writer waits for the store's lock, and to whom it reports the wait. */
export function lockOf({ wait: waitMs = 0 }: Given<typeof wait>, { signal, observe }: Watch): LockOptions {
  return { waitMs, signal, observe: (note) => observe({ stage: "note", text: note }) };
}

function waitMilliseconds(given: string): number {
  const [, count, unit] = /^(\d+)(s|m|h)$/.exec(given) ?? [];
  if (count === undefined)
    throw new UsageError(`--wait expects a duration such as 10m (s, m, h), got '${given}'`);
  return Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
}

/** Splits STORE/NAME into store and name. @throws {UsageError} one of them is missing */
export function storeAndName(place: string): { store: string; name: string } {
  const path = normalize(place).replace(/\/+$/, "");
  const name = basename(path);
  if (name === "" || name === "." || name === "..")
    throw new UsageError(`expected STORE/NAME, such as store/items, got '${place}'`);
  return { store: dirname(path), name };
}
