// Events of users according to a run's model: the positive events of a log, and the run's training events.
//
//   log, or a held-out split of the run ──► rows of positive events
//   training events ──► kept in the run, or read again from its log, or from --mask LOG

import { openAsTrained, type FurtherLog } from "../../training/reading/open-as-trained.js";
import { readNegatives } from "../../training/examples/item-file.js";
import { labelsOf, ranksItems } from "../../dataset/labels.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { ReadingStep } from "../../dataset/dataset.js";
import { selectedSteps } from "../../dataset/steps.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { eventsOfRows, eventsOfSource, type TrainingEvents } from "../../dataset/sampling/training-events.js";
import { capable } from "../../trainers/index.js";
import type { Part } from "../../training/examples/examples.js";
import { partNamed, partsOfRun } from "../../training/reading/run-parts.js";
import { partSteps, silently, wholeOf, type SplitParts } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";

interface LogOptions extends Pick<FurtherLog, "reading" | "hashKeys" | "maxBad" | "badRows"> {
  /** paths of further logs; the items in their events are masked for the users */
  mask?: string[] | undefined;
  positiveFrom?: number | undefined;
}

/** A run, and options for reading its log and other logs. */
export interface LogsOfRun<O extends LogOptions = LogOptions> {
  run: Run;
  preprocess: Preprocess;
  options: O;
  watch: Watch;
}

/** Returns the run's recipe for reading events. @throws {UsageError} it has none; the message suggests `instead` */
export async function eventRecipe(run: Run, instead?: string): Promise<Preprocess> {
  return await (
    await capable(run, "preprocess", "cannot say which items users took", instead)
  )(run);
}

/** Selects the positive events of a log: those with a positive label, or all if the log has no labels. */
export function eventsThatCount(
  { dataset, rows }: Part,
  { task, positiveFrom: trained }: Preprocess,
  given: number | undefined,
): Part {
  if (ranksItems(task) || dataset.roles.label === undefined) {
    if (given !== undefined)
      throw new UsageError("--positive-from needs a label column, but the log has none");
    return { dataset, rows };
  }
  const from = given ?? trained ?? undefined;
  if (task === "regression" && from === undefined) {
    throw new UsageError(
      `--ranking needs positive events: set the minimum '${dataset.roles.label}' with --positive-from N`,
    );
  }
  const { values } = labelsOf(dataset, from, task);
  return { dataset, rows: rows.filter((row) => values[row]! > 0) };
}

/** Reads all rows of a log with the run's roles. */
export async function readBeside(
  on: string[],
  { preprocess, options, watch }: Omit<LogsOfRun, "run">,
  how: Pick<FurtherLog, "timed" | "limitsUsers"> = {},
): Promise<Part> {
  const { reading, hashKeys, maxBad, badRows } = options;
  const log = { on, reading, hashKeys, maxBad, badRows, ...how };
  return wholeOf((await openAsTrained(preprocess, log, silently(watch))).dataset);
}

/** Reads a log of --mask, in which every row masks its item, also a row of weight 0. */
export async function readMask(on: string[], { preprocess, ...logs }: Omit<LogsOfRun, "run">): Promise<Part> {
  const { weight: _, event: __, ...roles } = preprocess.roles;
  return await readBeside(on, { ...logs, preprocess: { ...preprocess, roles } });
}

export async function keptEvents({
  run,
  preprocess,
}: Pick<LogsOfRun, "run" | "preprocess">): Promise<TrainingEvents> {
  return eventsOfSource(await readNegatives(run, preprocess));
}

interface OpenedLog {
  /** all rows of the log or split, and the rows of positive events */
  whole: Part;
  part: Part;
  /** steps of reading, up to the positive events */
  steps: ReadingStep[];
  /** rows of positive events in the files of --mask; undefined without --mask */
  masked: Part | undefined;
  training: TrainingEvents;
  /** all splits of the run's training log; only for --part */
  own: SplitParts["parts"] | undefined;
}

export interface EvaluatedLog extends LogOptions {
  on?: string[] | undefined;
  part?: "valid" | "test" | undefined;
  /** rows that were read as the run's log; replaces `on` */
  whole?: Part | undefined;
}

interface NeededEvents {
  withTimes: boolean;
  /** flag of the option that needs the times of training events; undefined if none does */
  timed?: string | undefined;
  /** true if each training event is needed, and not only the distinct items of each user */
  each?: boolean;
  /** clause for messages that states why training events are needed */
  wanted: string;
}

/** Reads the log or split, and the run's training events. */
export async function openEvaluated(logs: LogsOfRun<EvaluatedLog>, needed: NeededEvents): Promise<OpenedLog> {
  const { run, preprocess, options, watch } = logs;
  const { user, item } = preprocess.roles;
  if (user === undefined || item === undefined) {
    throw new UsageError(
      `run '${run.path}' has no ${user === undefined ? "user" : "item"} column: train it with --user and --item`,
    );
  }
  const { on, part: name, whole: given, mask, positiveFrom } = options;
  const own = name && (await partsOfRun(run, options, `--part ${name} needs the training log`, watch));
  const whole = own
    ? partNamed(run, own, name)
    : (given ?? (await readBeside(on!, logs, { timed: needed.withTimes, limitsUsers: true })));
  const part = eventsThatCount(whole, preprocess, positiveFrom);
  const steps = selectedSteps(
    { steps: partSteps(whole, name) },
    { step: "positives", after: part.rows.length },
  );
  const masked = mask && eventsThatCount(await readMask(mask, logs), preprocess, positiveFrom);
  const training = await trainingEvents(logs, needed, { own, masked });
  return { whole, part, steps, masked, training, own };
}

/** Reads the training events from the run, from the log on which it was trained, or from --mask, in this order. */
async function trainingEvents(
  logs: LogsOfRun<EvaluatedLog>,
  { timed, each = false, wanted }: NeededEvents,
  { own, masked }: Pick<OpenedLog, "own" | "masked">,
): Promise<TrainingEvents> {
  const { run, preprocess, options, watch } = logs;
  const eventsOf = (part: Part): TrainingEvents => {
    const { dataset, rows } = eventsThatCount(part, preprocess, options.positiveFrom);
    return eventsOfRows(dataset, rows, timed !== undefined);
  };
  if (own) return eventsOf(own.train);
  const isKept = Boolean(preprocess.negatives) && !timed;
  if (isKept && !each) return await keptEvents(logs);
  try {
    return eventsOf((await partsOfRun(run, options, wanted, watch)).train);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (isKept) return await keptEvents(logs);
    if (options.mask && timed) return eventsOf(await readBeside(options.mask, logs, { timed: true }));
    if (masked) return eventsOfRows(masked.dataset, masked.rows);
    throw new UsageError(`${error.message}: name it with --mask LOG`, { cause: error });
  }
}
