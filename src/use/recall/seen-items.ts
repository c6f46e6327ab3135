// The items of each user's events: lists leave them out, queries are made from them, and baselines learn from them.
//
//   all splits of the run's training log ───────────────────┐
//   or the training split, if the run keeps it ─────────────┼─► each user's items ◄── --mask LOG
//   --fold-in: the events of new users ─────────────────────┘

import { openKeysAsTrained, openAsTrained, cellsBesideLog } from "../../training/reading/open-as-trained.js";
import type { Keys } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { historyWith } from "../../dataset/sampling/ranking-events.js";
import { eventsOfRows, type TrainingEvents } from "../../dataset/sampling/training-events.js";
import type { Part } from "../../training/examples/examples.js";
import { rowsOfParts, silently, wholeOf, type SplitParts } from "../../training/reading/split-parts.js";
import { rowsOfKeys } from "../../training/split-metrics/ranked-items.js";
import { partsOfRun } from "../../training/reading/run-parts.js";
import { historyOf, ownersOfItems } from "../../dataset/sampling/negatives.js";
import type { ItemLists } from "../../compute/kernels/top-items/binding.js";
import { checkTimes, timedFlag } from "../rank-items/query.js";
import { userFoldIn } from "../rank-items/new-users.js";
import { fieldsOf } from "../rank-items/run-ranker.js";
import {
  eventsThatCount,
  keptEvents,
  readBeside,
  readMask,
  type LogsOfRun,
} from "../rank-items/user-events.js";
import type { ListsRequest, RequestedLists, SeenItems, UserItems } from "./requested-lists.js";

/** @param needsLog why events of the training log are needed even if no item is masked; undefined if they are not */
export async function readSeenItems(given: ListsRequest, needsLog: string | undefined): Promise<SeenItems> {
  return (given.kept.seen ??= await seenItems(given, needsLog));
}

async function seenItems(given: ListsRequest, needsLog: string | undefined): Promise<SeenItems> {
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

/** Reads the files of --mask for a run that does not record how its training log was read. */
async function seenOfImported(
  { opened: { run }, options, watch }: ListsRequest,
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

interface Wanted {
  wanted: string;
  /** whether queries are made from the events; if not, the events only mask items */
  isAsked: boolean;
  timed: boolean;
}

async function eventsOfLogOrMask(
  logs: Logs,
  wanted: Wanted,
): Promise<{ events: TrainingEvents; warnings: string[] }> {
  try {
    return await eventsOfLog(logs, wanted);
  } catch (error) {
    if (!(error instanceof UsageError) || !logs.options.mask) throw error;
    const text = "the training log is not available: users and their items are read only from --mask";
    const masks = await readBeside(logs.options.mask, logs, { timed: wanted.timed });
    const { dataset, rows } = had(masks, logs);
    return { events: eventsOfRows(dataset, rows, wanted.timed), warnings: [text] };
  }
}

/** Reads all events of the log, with held-out ones. @throws {UsageError} neither it nor the run's copy is available */
async function eventsOfLog(
  logs: Logs,
  { wanted, isAsked, timed }: Wanted,
): Promise<{ events: TrainingEvents; warnings: string[] }> {
  const { run, preprocess, options, watch } = logs;
  const { valid, test } = run.manifest.split;
  // without held-out rows, the run's copy of the training split has the events of the whole log
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

/** Returns the items of each user, including those of --mask, without the events, which would take more memory. */
async function withMasked(events: UserItems | undefined, logs: Logs): Promise<UserItems | undefined> {
  const own = events && { users: events.users, items: events.items, history: events.history };
  if (!logs.options.mask) return own;
  const masked = had(await readMask(logs.options.mask, logs), logs);
  return own ? withParts(own, [masked]) : eventsOfRows(masked.dataset, masked.rows);
}

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

/** Converts items of lists to numbers of another vocabulary, without items that it lacks. Lists stay ascending. */
export function inNumbersOf(items: Keys, { items: own, history }: UserItems): ItemLists {
  const numbers = rowsOfKeys(items, own);
  return historyOf(
    ownersOfItems(history),
    history.items.map((item) => numbers[item]!),
    history.indptr.length - 1,
  );
}

/** Selects the rows whose items lists leave out: those that count as events; all, if ratings have no threshold. */
function had(part: Part, { preprocess, options: { positiveFrom } }: Logs): Part {
  const from = positiveFrom ?? preprocess.positiveFrom ?? undefined;
  return preprocess.task === "regression" && from === undefined
    ? part
    : eventsThatCount(part, preprocess, positiveFrom);
}

function withParts<E extends UserItems>(events: E, parts: readonly Part[]): E {
  return parts.reduce((all, part) => ({ ...all, history: historyWith(all, part) }), events);
}
