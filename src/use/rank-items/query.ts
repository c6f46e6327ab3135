// --query: the vectors that represent a user if items are ranked by vectors, not by a model.
//
//   user      the user's row of the table
//   history   the user's training items
//   last:N    the N training items with the latest events; `last` is last:1
//
// --query-half-life weights the items by the age of their last event, relative to the user's latest event.

import { lastItems, timesOfRows, type TrainingEvents } from "../../dataset/sampling/training-events.js";
import { usersOf } from "../../dataset/sampling/negatives.js";
import { spanMilliseconds } from "../../dataset/filters/event-limits.js";
import { UsageError } from "../../base/errors.js";
import type { QueryItems } from "../../metrics/baselines/input.js";
import { listsOfUsers } from "../../dataset/sampling/ranking-events.js";
import type { Part } from "../../training/examples/examples.js";
import type { RankingProtocol, Repeats } from "./protocol.js";

export interface Query {
  of: "user" | "history" | "last";
  /** number of the user's latest items for the query `last`; Infinity for other queries */
  most: number;
  /** half-life of the items' weights in milliseconds; absent if all weights are equal */
  halfLife?: number;
}

interface Asked {
  query?: string | undefined;
  queryHalfLife?: string | undefined;
}

const FORMS = "user, history, last or last:N with N of at least 1";

/** Parses the options of a query; undefined if none is set. @throws {UsageError} invalid, or a needless half-life */
export function queryOf({ query, queryHalfLife }: Asked): Query | undefined {
  if (query === undefined) {
    if (queryHalfLife !== undefined) throw lonelyHalfLife();
    return undefined;
  }
  const [, of, most] = /^(user|history|last)(?::([1-9]\d{0,8}))?$/u.exec(query) ?? [];
  if (of === undefined || (most !== undefined && of !== "last"))
    throw new UsageError(`--query expects ${FORMS}, got '${query}'`);
  const given: Query = { of: of as Query["of"], most: of === "last" ? Number(most ?? 1) : Infinity };
  if (queryHalfLife === undefined) return given;
  if (of === "user" || given.most === 1) throw lonelyHalfLife();
  const halfLife = spanMilliseconds(queryHalfLife);
  if (halfLife === undefined || halfLife <= 0)
    throw new UsageError(
      `--query-half-life expects a duration such as 30d (h, d, w), got '${queryHalfLife}'`,
    );
  return { ...given, halfLife };
}

function lonelyHalfLife(): UsageError {
  return new UsageError("--query-half-life needs --query history, or last:N with N above 1");
}

/** Returns the flag of the option that needs event times; undefined if none does. */
export function timedFlag(query: Query | undefined): string | undefined {
  if (query?.halfLife !== undefined) return "--query-half-life";
  return query?.of === "last" ? "--query last" : undefined;
}

/** Checks that the events have times if a query needs them. @throws {UsageError} the training events have none */
export function checkTimes(query: Query | undefined, { events }: TrainingEvents): void {
  const flag = timedFlag(query);
  if (flag === undefined || events?.times) return;
  throw new UsageError(
    `${flag} needs event times, but the training log has no time column: train with --time COLUMN, or use ` +
      "--query history",
  );
}

export function queryItems(
  training: TrainingEvents,
  users: Uint32Array,
  query: Query | undefined,
): QueryItems {
  const { events, history } = training;
  if (!query || timedFlag(query) === undefined || !events?.times) return listsOfUsers(history, users);
  return lastItems({ ...events, times: events.times }, training.users.size, users, query);
}

/** Returns warnings if the query misleads. @param held.between validation split between training and `part` */
export function queryWarnings(
  query: Query | undefined,
  { training, users }: RankingProtocol,
  { part, between }: { part: Part; between: Part | undefined },
  { repeats }: { repeats?: Repeats },
): string[] {
  if (!query) return [];
  const warnings: string[] = [];
  if (repeats === "allow" && query.of !== "user")
    warnings.push(
      `--repeats allow: the query items of --query ${query.of} are in the lists too, usually at the top; ` +
        "--repeats mask removes them",
    );
  const flag = timedFlag(query);
  if (flag === undefined) return warnings;
  const passed = between ? usersIn(training, users, between) : 0;
  if (passed > 0)
    warnings.push(
      `${flag}: ${passed} of ${users.length} users have validation events after the training events used as ` +
        "query: --part valid evaluates what comes right after training",
    );
  const late = trainedLater(training, users, part);
  if (late > 0)
    warnings.push(
      `${flag}: ${late} of ${users.length} users have a held-out event older than their last training event: ` +
        "use --split time or --split last",
    );
  return warnings;
}

function usersIn({ users: keys }: TrainingEvents, evaluated: Uint32Array, part: Part): number {
  const found = new Set(usersOf(keys, part.dataset, part.rows));
  return evaluated.reduce((sum, user) => sum + (found.has(user) ? 1 : 0), 0);
}

function trainedLater({ users: keys, events }: TrainingEvents, evaluated: Uint32Array, part: Part): number {
  const times = timesOfRows(part.dataset, part.rows);
  if (!times || !events?.times) return 0;
  const latest = new Float64Array(keys.size).fill(-Infinity);
  events.users.forEach((user, e) => {
    if (user < latest.length) latest[user] = Math.max(latest[user]!, events.times![e]!);
  });
  const late = new Uint8Array(keys.size);
  usersOf(keys, part.dataset, part.rows).forEach((user, e) => {
    if (user < latest.length && times[e]! < latest[user]!) late[user] = 1;
  });
  return evaluated.reduce((sum, user) => sum + late[user]!, 0);
}
