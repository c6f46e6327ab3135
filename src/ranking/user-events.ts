// What users took, as a run's model counts it: rows of a log that count, and the events of the run's training.
//
//   log, or the run's own part ──► rows that count            training ──► kept in the run, or read again from its log,
//                                                                           or as --mask LOG says

import { openAsTrained, type FurtherLog } from "../training/reading/open-as-trained.js";
import { readNegatives } from "../training/examples/item-file.js";
import { labelsOf, ranksItems } from "../dataset/labels.js";
import type { Preprocess } from "../dataset/vocabulary/preprocess.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { eventsOfRows, eventsOfSource, type TrainingEvents } from "../sampling/training-events.js";
import { capable } from "../trainers/index.js";
import type { Part } from "../training/examples/examples.js";
import { partNamed, partsOfRun } from "../training/reading/run-parts.js";
import { silently, wholeOf, type SplitParts } from "../training/reading/split-parts.js";
import type { Watch } from "../training/session/watch.js";

/** How logs beside a run's own are read. */
export interface LogOptions extends Pick<FurtherLog, "reading" | "hashKeys" | "maxBad" | "badRows"> {
  /** logs of further events whose items are left out of their users' lists */
  mask?: string[] | undefined;
  /** the label from which on an event counts */
  positiveFrom?: number | undefined;
}

/** A run, and how its log and others are read. */
export interface LogsOfRun<O extends LogOptions = LogOptions> {
  run: Run;
  preprocess: Preprocess;
  options: O;
  watch: Watch;
}

/** How users' events became a run's features. @throws {UsageError} the run keeps nothing of that; says what can be done */
export async function eventRecipe(run: Run, instead?: string): Promise<Preprocess> {
  return await (
    await capable(run, "preprocess", "cannot say which items users took", instead)
  )(run);
}

/** The events that count: those of a positive label, where the log has labels. */
export function counting(
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

/** Every row of a log in the run's roles. */
export async function readBeside(
  on: string[],
  { preprocess, options, watch }: Omit<LogsOfRun, "run">,
  how: Pick<FurtherLog, "timed" | "limitsUsers"> = {},
): Promise<Part> {
  const { reading, hashKeys, maxBad, badRows } = options;
  const log = { on, reading, hashKeys, maxBad, badRows, ...how };
  return wholeOf((await openAsTrained(preprocess, log, silently(watch))).dataset);
}

/** The training events that the run keeps. */
export async function keptEvents({
  run,
  preprocess,
}: Pick<LogsOfRun, "run" | "preprocess">): Promise<TrainingEvents> {
  return eventsOfSource(await readNegatives(run, preprocess));
}

/** What is evaluated, and what training has. */
export interface OpenedLog {
  /** every row of the log or part, and those that count */
  whole: Part;
  part: Part;
  /** rows of --mask that count */
  masked: Part | undefined;
  training: TrainingEvents;
  /** of --part: all parts of the run's training */
  own: SplitParts["parts"] | undefined;
}

/** Which log is evaluated. */
export interface EvaluatedLog extends LogOptions {
  on?: string[] | undefined;
  part?: "valid" | "test" | undefined;
}

/** Which events of training are needed. */
export interface NeededEvents {
  /** the log's times are needed */
  withTimes: boolean;
  /** the flag that needs the times of training's events */
  timed?: string | undefined;
  /** each event of training is needed, and not just who has what */
  each?: boolean;
  /** why training's events are needed, a clause of a message */
  wanted: string;
}

/** Reads the log or part, and the run's training events. */
export async function openEvaluated(logs: LogsOfRun<EvaluatedLog>, needed: NeededEvents): Promise<OpenedLog> {
  const { run, preprocess, options, watch } = logs;
  const { user, item } = preprocess.roles;
  if (user === undefined || item === undefined) {
    throw new UsageError(
      `run '${run.path}' has no ${user === undefined ? "user" : "item"} column: train it with --user and --item`,
    );
  }
  const { on, part: name, mask, positiveFrom } = options;
  const own = name && (await partsOfRun(run, options, `--part ${name} needs the training log`, watch));
  const whole = own
    ? partNamed(run, own, name)
    : await readBeside(on!, logs, { timed: needed.withTimes, limitsUsers: true });
  const part = counting(whole, preprocess, positiveFrom);
  const masked = mask && counting(await readBeside(mask, logs), preprocess, positiveFrom);
  const training = await trainingEvents(logs, needed, { own, masked });
  return { whole, part, masked, training, own };
}

/** What users have: kept in the run, or in the log that it was trained on, or else in what is masked. */
async function trainingEvents(
  logs: LogsOfRun<EvaluatedLog>,
  { timed, each = false, wanted }: NeededEvents,
  { own, masked }: Pick<OpenedLog, "own" | "masked">,
): Promise<TrainingEvents> {
  const { run, preprocess, options, watch } = logs;
  const eventsOf = (part: Part): TrainingEvents => {
    const { dataset, rows } = counting(part, preprocess, options.positiveFrom);
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
