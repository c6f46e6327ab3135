// Checks the options of `embed recall` and adds their defaults.

import type { FurtherLog } from "../../training/reading/open-as-trained.js";
import { recallBaselines } from "../../metrics/baselines/baselines.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { UsageError } from "../../base/errors.js";
import { parseTime } from "../../log/time.js";
import { formatOfFile } from "../../export/row-formats.js";
import { queryOf, type Query } from "../rank-items/query.js";
import { checkMode } from "../../options/check-given.js";
import { readingOf } from "../../training/shared-options/reading.js";
import { resolved, type Resolved } from "../../options/table.js";
import { badRowsOf } from "../../training/reading/bad-row-report.js";
import type { Watch } from "../../training/session/watch.js";
import type { OpenRows } from "../tables.js";
import { listColumns } from "./list-files.js";
import { owners, recallOptions, type RecallOptions } from "./options.js";
import type { Keys } from "../../log/keys.js";
import type { TrainingEvents } from "../../dataset/sampling/training-events.js";

/** The options with their defaults; those for reading logs are converted to the form that a log reader takes. */
export type RequestedLists = Omit<Resolved<typeof recallOptions>, "badRows" | "query" | "newSince"> &
  Pick<FurtherLog, "reading" | "badRows"> & {
    baseline?: (typeof recallBaselines)[number] | undefined;
    query: Query | undefined;
    quota: Quota | undefined;
    newSince: NewSince | undefined;
  };

export interface ListsRequest {
  opened: OpenRows;
  options: RequestedLists;
  watch: Watch;
  /** how the run's log was read; undefined if the run has no recipe for reading a log */
  preprocess: Preprocess | undefined;
  /** contents of logs and files, if another process has read them because several processes make the lists */
  kept: { seen?: SeenItems; listed?: ListedFiles };
}

/** The items that are new: those whose cell in a column is a time of `since` (ms, UTC) or later. */
export interface NewSince {
  column: string;
  since: number;
}

interface Quota {
  column: string;
  most: number;
}

export function requestedLists(given: RecallOptions): RequestedLists {
  const { for: owner = "user" } = given;
  checkMode(recallOptions, given, owner, owners);
  const format = given.format ?? formatOfFile(given.out);
  const { query: _, ...options } = resolved(recallOptions, { ...given, format });
  const baseline = recallBaselines.find((name) => name === options.score);
  if (owner === "item" && (baseline !== undefined || options.score === "model"))
    throw new UsageError(`--for item needs --score cosine, dot or context, got ${options.score}`);
  if (options.within !== undefined && owner === "user" && options.users === undefined)
    throw new UsageError(
      `--within ${options.within} lists the items of each user's own ${options.within}, from a table of users with this ` +
        `column: name it with --users FILE; --lists-per ${options.within} gives every user a list for each of them`,
    );
  const columns = listColumns(owner === "item");
  if (
    options.listsPer !== undefined &&
    [columns.owner, columns.item, "rank", "score"].includes(options.listsPer)
  )
    throw new UsageError(
      `--lists-per ${options.listsPer}: lists have a column of this name already; rename the column of --items`,
    );
  checkServer(given);
  return {
    ...options,
    ...{ baseline, query: queryOf(given), quota: quotaOf(given.per), newSince: newSinceOf(given.newSince) },
    // a Spark server that makes the lists reads no log itself, so the files are read on this machine
    reading: readingOf(given.engineOutput === undefined ? given : { ...given, engine: undefined }),
    ...badRowsOf(given),
  };
}

function checkServer({ format, urlEnv, into }: RecallOptions): void {
  if (format === "redis" && into === undefined)
    throw new UsageError(
      "--format redis needs a key prefix: --into NAME; add --url-env VARIABLE, which holds the server's URL, " +
        "to write to the server",
    );
  if (format !== "postgres" || (urlEnv === undefined) === (into === undefined)) return;
  throw new UsageError(
    into === undefined
      ? "--format postgres needs a table name: --into NAME"
      : "--into names a server table: set --url-env VARIABLE, which holds the server's URL",
  );
}

function quotaOf(per: string | undefined): Quota | undefined {
  if (per === undefined) return undefined;
  const [, column, most] = /^(.+)=([1-9]\d{0,8})$/su.exec(per) ?? [];
  if (column === undefined)
    throw new UsageError(`--per expects COLUMN=N with N of at least 1, such as category=3, got '${per}'`);
  return { column, most: Number(most) };
}

function newSinceOf(given: string | undefined): NewSince | undefined {
  if (given === undefined) return undefined;
  const equals = given.lastIndexOf("=");
  const found = { column: given.slice(0, Math.max(0, equals)), since: parseTime(given.slice(equals + 1)) };
  if (found.column === "" || Number.isNaN(found.since))
    throw new UsageError(`--new-since expects COLUMN=DATE, such as added=2026-11-01, got '${given}'`);
  return found;
}

export type UserItems = Pick<TrainingEvents, "users" | "items" | "history">;

/** The events of users. They serve as queries, or name the items to leave out; those that no list needs are absent. */
export interface SeenItems {
  /** events of the training log, or of --mask in its place; queries may be made from them */
  learned?: TrainingEvents;
  /** events of new users, from which queries are made */
  folded?: TrainingEvents;
  /** items of each user that the user's list leaves out */
  had?: UserItems;
  warnings: string[];
}

export interface ListedFiles {
  items: ListedKeys | undefined;
  users: ListedKeys | undefined;
}

export interface ListedKeys {
  keys: Keys;
  /** columns by name: u32[keys.size], the code of each key's cell in the dictionary; MISSING for an empty cell */
  columns: Map<string, { codes: Uint32Array; dictionary: Keys }>;
}
