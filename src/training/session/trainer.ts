// The interface of a trainer: its options, how it needs a log to be read, and how it trains on the splits. Everything
// else, from the log to the run directory, is done by session.ts.

import type { OptionTable } from "../options/table.js";
import type { GivenTraining } from "../options/log.js";
import type { Plan } from "./plan.js";
import type { ComparedTrainings } from "../warm-start/initializations.js";
import type { Roles } from "../../dataset/dataset.js";
import type { LabelledTask } from "../../dataset/labels.js";

/** A command that trains. */
export interface Trainer {
  /** `train-NAME` */
  command: string;
  /** description in the help */
  description: string;
  /** examples in the help: command lines that run on the shipped fixtures */
  examples: string;
  /** all options of the command, in the order of the help */
  options: OptionTable;
  /** Returns the candidates that `compare` trains on a log. */
  suits(log: LogTraits): Suits;
  /** name of the steps that early stopping counts, if not epochs: `tree` */
  round?: string;
  /** epochs, or trees, between two checkpoints in the weekly job */
  checkpointEvery?: number;
  /**
   * Plans a training, before the log is read.
   *
   * @throws {UsageError} options cannot be combined, or the run of --init does not fit
   */
  plan(given: GivenTraining): Promise<Plan> | Plan;
  /** trainings from several initializations, for `lift`; only of a trainer that can start from a table */
  compared?: ComparedTrainings;
}

/** Purpose of an embedding: predictions of labels, or ranked lists of items for users. */
export const goals = ["predictions", "lists"] as const;
export type Goal = (typeof goals)[number];

/** Facts about a log, before anything is trained on it. */
export interface LogTraits {
  goal: Goal;
  /** task of the labels; only for predictions */
  task?: LabelledTask;
  /** for lists, includes user and item columns */
  roles: Roles;
}

/** A training of a comparison. */
export interface Candidate {
  /** name of its run's folder, unique among all trainers */
  name: string;
  /** options that differ from the trainer's defaults */
  options: Readonly<Record<string, unknown>>;
  /** rough training time in multiples of the cheapest candidate's; cheap candidates are trained first */
  effort: number;
  /** set for a simple model that others should beat */
  baseline?: true;
  /** set if other candidates can start from its table; "only" if it predicts nothing and is trained just for that */
  start?: "too" | "only";
  /** the option that names a run to start from; the candidate is also trained from each such table */
  startOption?: string;
}

/**
 * The candidates of a trainer on a log, or why it does not suit, as the message says after its name: `ranks items and
 * predicts no labels`.
 */
export type Suits = { candidates: readonly Candidate[] } | { whyNot: string };

/** The answer of trainers that rank items for users, if labels are to be predicted. */
export const RANKS_ONLY: Suits = { whyNot: "ranks items for users and predicts no labels" };
/** The answer of trainers that predict labels, if items are to be ranked. */
export const PREDICTS_ONLY: Suits = { whyNot: "predicts labels of rows and ranks no items" };
