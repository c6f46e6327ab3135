// What users have: what their lists leave out, what they are asked by, and what baselines learn from.
//
//   the log that the run was trained on, all of its parts ──┐
//   or what the run keeps of its training part ─────────────┼─► each user's items ◄── --mask LOG
//   --fold-in: the events of new users ─────────────────────┘

import type { Keys } from "../../log/keys.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { historyWith } from "../../sampling/ranking-events.js";
import { eventsOfRows, eventsOfSource, type TrainingEvents } from "../../sampling/training-events.js";
import type { Part } from "../../training/examples/examples.js";
import { readNegatives } from "../../training/examples/item-file.js";
import { rowsOfParts, silently, wholeOf } from "../../training/reading/split-parts.js";
import { rowsOfKeys } from "../../training/judging/ranked-items.js";
import { openAsTrained } from "../../training/reading/open-as-trained.js";
import { partsOfRun } from "../../training/reading/run-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { historyOf, ownersOfItems } from "../../sampling/negatives.js";
import type { ItemLists } from "../../kernels/top-items/binding.js";
import { counting } from "../counted-events.js";
import type { RecallOptions } from "./options.js";

/** Users and the items that they have. */
export type Had = Pick<TrainingEvents, "users" | "items" | "history">;

/** How the run's log is read again. */
export interface ReadAgain {
  run: Run;
  preprocess: Preprocess;
  options: RecallOptions;
  watch: Watch;
}

/** Which events are needed. */
export interface Wanted {
  /** what for, a clause of a message */
  wanted: string;
  /** users are asked by them; else they are left out of lists alone */
  isAsked: boolean;
  /** with their times */
  timed: boolean;
}

/**
 * The events of all whom the run's log knows.
 *
 * @returns with what is to be said of them
 * @throws {UsageError} neither the log nor what the run keeps of it is to be had
 */
export async function eventsOfLog(
  { run, preprocess, options, watch }: ReadAgain,
  { wanted, isAsked, timed }: Wanted,
): Promise<{ events: TrainingEvents; warnings: string[] }> {
  const { reading, hashKeys, positiveFrom } = options;
  const { valid, test } = run.manifest.split;
  // of a run that keeps what its users have, and held nothing out, the log says no more
  if (preprocess.negatives && valid + test === 0 && !isAsked && !timed && positiveFrom === undefined)
    return { events: eventsOfSource(await readNegatives(run, preprocess)), warnings: [] };
  let read: Awaited<ReturnType<typeof partsOfRun>>;
  try {
    read = await partsOfRun(run, { reading, hashKeys }, wanted, watch);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const allow = isAsked ? "" : ", or keep items that users already have with --repeats allow";
    const instead = `${error.message}: name it with --mask LOG${allow}`;
    if (timed || !preprocess.negatives) throw new UsageError(instead, { cause: error });
    const lost = valid + test > 0 && !run.manifest.refit;
    const events = eventsOfSource(await readNegatives(run, preprocess));
    const note =
      `${error.message}; using the training split stored in the run instead: the ${valid + test} ` +
      "held-out events are not masked, --mask LOG masks them";
    return { events, warnings: lost ? [note] : [] };
  }
  const { train } = read;
  const parts = [train, read.valid, read.test].filter((part) => part !== undefined);
  const isOwn = ({ dataset }: Part) => dataset === train.dataset;
  const rows = rowsOfParts(parts.filter(isOwn));
  const all = had({ dataset: train.dataset, rows }, preprocess, positiveFrom);
  const events = eventsOfRows(all.dataset, all.rows, timed);
  const others = parts.filter((part) => !isOwn(part));
  const hadThere = others.map((part) => had(part, preprocess, positiveFrom));
  return { events: withParts(events, hadThere), warnings: [] };
}

/** The events of --mask. */
export async function eventsOfMask(
  { preprocess, options, watch }: Omit<ReadAgain, "run">,
  timed: boolean,
): Promise<TrainingEvents> {
  const { dataset, rows } = await partOfMask({ preprocess, options, watch }, timed);
  return eventsOfRows(dataset, rows, timed);
}

/** The same with what further logs say that known users have. */
export async function withMasked(
  events: Had | undefined,
  again: Omit<ReadAgain, "run">,
): Promise<Had | undefined> {
  if (!again.options.mask) return events && hadOf(events);
  return events
    ? withParts(hadOf(events), [await partOfMask(again, false)])
    : await eventsOfMask(again, false);
}

/** Without the events themselves, which take more memory. */
function hadOf({ users, items, history }: Had): Had {
  return { users, items, history };
}

async function partOfMask(
  { preprocess, options, watch }: Omit<ReadAgain, "run">,
  timed: boolean,
): Promise<Part> {
  const { mask, reading, hashKeys, maxBad, badRows, positiveFrom } = options;
  const bad = { maxBad, badRows };
  const log = { on: mask!, reading, hashKeys, timed, ...bad };
  const { dataset } = await openAsTrained(preprocess, log, silently(watch));
  return had(wholeOf(dataset), preprocess, positiveFrom);
}

/** The events of users whom the run does not know. */
export async function eventsToFoldIn({
  preprocess,
  options,
  watch,
}: Omit<ReadAgain, "run">): Promise<TrainingEvents> {
  const { foldIn, reading, hashKeys, maxBad, positiveFrom } = options;
  const log = { on: foldIn!, reading, hashKeys, maxBad };
  const quiet = silently(watch);
  const dataset =
    preprocess.negatives || preprocess.roles.label === undefined
      ? (await openAsTrained(preprocess, log, quiet, { roles: ["user"] })).dataset
      : (await openAsTrained(preprocess, log, quiet)).dataset;
  const part = had(wholeOf(dataset), preprocess, positiveFrom);
  return eventsOfRows(part.dataset, part.rows);
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
function had(part: Part, preprocess: Preprocess, positiveFrom: number | undefined): Part {
  const from = positiveFrom ?? preprocess.positiveFrom ?? undefined;
  return preprocess.task === "regression" && from === undefined
    ? part
    : counting(part, preprocess, positiveFrom);
}

function withParts<E extends Had>(events: E, parts: readonly Part[]): E {
  return parts.reduce((all, part) => ({ ...all, history: historyWith(all, part) }), events);
}
