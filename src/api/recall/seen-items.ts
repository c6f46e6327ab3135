// What users have: what their lists leave out, what they are asked by, and what baselines learn from.
//
//   the log that the run was trained on, all of its parts ──┐
//   or what the run keeps of its training part ─────────────┼─► each user's items ◄── --mask LOG
//   --fold-in: the events of new users ─────────────────────┘

import { openKeysAsTrained, openAsTrained, cellsBesideLog } from "../../training/reading/open-as-trained.js";
import type { Keys } from "../../log/keys.js";
import { UsageError } from "../../errors.js";
import { historyWith } from "../../sampling/ranking-events.js";
import { eventsOfRows, type TrainingEvents } from "../../sampling/training-events.js";
import type { Part } from "../../training/examples/examples.js";
import { rowsOfParts, silently, wholeOf, type SplitParts } from "../../training/reading/split-parts.js";
import { rowsOfKeys } from "../../training/judging/ranked-items.js";
import { partsOfRun } from "../../training/reading/run-parts.js";
import { historyOf, ownersOfItems } from "../../sampling/negatives.js";
import type { ItemLists } from "../../kernels/top-items/binding.js";
import { checkTimes, timedFlag } from "../../ranking/query.js";
import { userFoldIn } from "../../ranking/new-users.js";
import { fieldsOf } from "../../ranking/table-ranker.js";
import { counting, keptEvents, readBeside, type LogsOfRun } from "../../ranking/user-events.js";
import type { Had, SeenItems } from "./kept-inputs.js";
import type { Given, RequestedLists } from "./requested-lists.js";

/**
 * Reads what users have.
 *
 * @param needsLog why the events of the log are needed whatever is left out; undefined where they are not
 * @throws {UsageError} what is needed is not to be had
 */
export async function readSeenItems(given: Given, needsLog: string | undefined): Promise<SeenItems> {
  return (given.kept.seen ??= await seenItems(given, needsLog));
}

async function seenItems(given: Given, needsLog: string | undefined): Promise<SeenItems> {
  const { opened, options, preprocess, watch } = given;
  const { run } = opened;
  const masks = options.repeats === "mask";
  if (!preprocess) return await seenOfImported(given, masks, needsLog);
  if (preprocess.roles.user === undefined && (masks || needsLog !== undefined || options.foldIn))
    throw new UsageError(
      `run '${run.path}' has no user column: train it with --user, or write lists for its items with --for item`,
    );
  const logs = { run, preprocess, options, watch };
  const flag = timedFlag(options.query);
  const wanted = needsLog ?? "items that users already have are masked";
  const log =
    needsLog !== undefined || flag !== undefined || (masks && !options.foldIn)
      ? await eventsOfLogOrMask(logs, { wanted, isAsked: needsLog !== undefined, timed: flag !== undefined })
      : undefined;
  if (log) checkTimes(options.query, log.events);
  const folded = options.foldIn && (await eventsToFoldIn(logs));
  return {
    learned: log?.events,
    folded,
    had: masks ? await withMasked(folded ?? log?.events, logs) : undefined,
    warnings: log?.warnings ?? [],
  };
}

/** Items that users have by --mask, for a run that does not say how its log is read. */
async function seenOfImported(
  { opened: { run }, options, watch }: Given,
  masks: boolean,
  needsLog: string | undefined,
): Promise<SeenItems> {
  if (options.foldIn) await userFoldIn(run, "--fold-in");
  if (needsLog !== undefined)
    throw new UsageError(
      `${needsLog}, but run '${run.path}' was imported and does not record how to read a log`,
    );
  if (!masks) return { warnings: [] };
  if (!options.mask)
    throw new UsageError(
      `run '${run.path}' was imported and does not record which items its users have: pass a log with ` +
        "--mask LOG, or keep those items with --repeats allow",
    );
  const cells = cellsBesideLog(run);
  const dataset = await openKeysAsTrained(options.mask, fieldsOf(run), { cells }, options, watch);
  return { had: eventsOfRows(dataset, wholeOf(dataset).rows), warnings: [] };
}

type Logs = LogsOfRun<RequestedLists>;

/** Which events are needed. */
interface Wanted {
  /** what for, a clause of a message */
  wanted: string;
  /** users are asked by them; else they are left out of lists alone */
  isAsked: boolean;
  /** with their times */
  timed: boolean;
}

/** The log's events; where it is gone those of --mask, which says what users have as well. */
async function eventsOfLogOrMask(
  logs: Logs,
  wanted: Wanted,
): Promise<{ events: TrainingEvents; warnings: string[] }> {
  try {
    return await eventsOfLog(logs, wanted);
  } catch (error) {
    if (!(error instanceof UsageError) || !logs.options.mask) throw error;
    const text = "the training log is not available: users and their items are read only from --mask";
    const { dataset, rows } = await hadByMask(logs, wanted.timed);
    return { events: eventsOfRows(dataset, rows, wanted.timed), warnings: [text] };
  }
}

/** The events of all whom the run's log knows. @throws {UsageError} neither the log nor what the run keeps of it is to be had */
async function eventsOfLog(
  logs: Logs,
  { wanted, isAsked, timed }: Wanted,
): Promise<{ events: TrainingEvents; warnings: string[] }> {
  const { run, preprocess, options, watch } = logs;
  const { valid, test } = run.manifest.split;
  // of a run that keeps what its users have, and held nothing out, the log says no more
  const saysNoMore = valid + test === 0 && !isAsked && !timed && options.positiveFrom === undefined;
  if (preprocess.negatives && saysNoMore) return { events: await keptEvents(logs), warnings: [] };
  let parts: SplitParts["parts"];
  try {
    parts = await partsOfRun(run, options, wanted, watch);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const allow = isAsked ? "" : ", or keep items that users already have with --repeats allow";
    const instead = `${error.message}: name it with --mask LOG${allow}`;
    if (timed || !preprocess.negatives) throw new UsageError(instead, { cause: error });
    const lost = valid + test > 0 && !run.manifest.refit;
    const note =
      `${error.message}; using the training split stored in the run instead: the ${valid + test} ` +
      "held-out events are not masked, --mask LOG masks them";
    return { events: await keptEvents(logs), warnings: lost ? [note] : [] };
  }
  const { train } = parts;
  const all = [train, parts.valid, parts.test].filter((part) => part !== undefined);
  const isOwn = ({ dataset }: Part) => dataset === train.dataset;
  const own = had({ dataset: train.dataset, rows: rowsOfParts(all.filter(isOwn)) }, logs);
  const others = all.filter((part) => !isOwn(part)).map((part) => had(part, logs));
  return { events: withParts(eventsOfRows(own.dataset, own.rows, timed), others), warnings: [] };
}

/** What users have of the events, without the events themselves, which take more memory; and of --mask. */
async function withMasked(events: Had | undefined, logs: Logs): Promise<Had | undefined> {
  const own = events && { users: events.users, items: events.items, history: events.history };
  if (!logs.options.mask) return own;
  const masked = await hadByMask(logs, false);
  return own ? withParts(own, [masked]) : eventsOfRows(masked.dataset, masked.rows);
}

async function hadByMask(logs: Logs, timed: boolean): Promise<Part> {
  return had(await readBeside(logs.options.mask!, logs, { timed }), logs);
}

/** The events of users whom the run does not know. */
async function eventsToFoldIn(logs: Logs): Promise<TrainingEvents> {
  const { preprocess, watch } = logs;
  const options = { ...logs.options, badRows: undefined };
  const { foldIn, reading, hashKeys, maxBad } = options;
  const log = { on: foldIn!, reading, hashKeys, maxBad };
  const whole =
    preprocess.negatives || preprocess.roles.label === undefined
      ? wholeOf((await openAsTrained(preprocess, log, silently(watch), { roles: ["user"] })).dataset)
      : await readBeside(foldIn!, { preprocess, options, watch });
  const { dataset, rows } = had(whole, logs);
  return eventsOfRows(dataset, rows);
}

/** The lists in the numbers of other items: ascending, without those that are none of them. */
export function inNumbersOf(items: Keys, { items: own, history }: Had): ItemLists {
  const numbers = rowsOfKeys(items, own);
  return historyOf(
    ownersOfItems(history),
    history.items.map((item) => numbers[item]!),
    history.indptr.length - 1,
  );
}

/** Events that say that a user has an item: of ratings without a bound all, since a disliked item is had as well. */
function had(part: Part, { preprocess, options: { positiveFrom } }: Logs): Part {
  const from = positiveFrom ?? preprocess.positiveFrom ?? undefined;
  return preprocess.task === "regression" && from === undefined
    ? part
    : counting(part, preprocess, positiveFrom);
}

function withParts<E extends Had>(events: E, parts: readonly Part[]): E {
  return parts.reduce((all, part) => ({ ...all, history: historyWith(all, part) }), events);
}
