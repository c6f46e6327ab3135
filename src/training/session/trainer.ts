// What a trainer is. It says what its options are, how a log is read for it, and how it trains on parts of a log; all else from the
// log to the run directory is the session's (session.ts).

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
  /** for its help */
  description: string;
  /** command lines that run on the shipped fixtures */
  examples: string;
  /** its own options and the shared tables that it takes, in the order of the help */
  options: OptionTable;
  /** What a comparison trains of it on a log. */
  suits(log: LogTraits): Suits;
  /** what early stopping counts, where it is no epoch: `tree` */
  round?: string;
  /** epochs, or trees, between two checkpoints in the weekly job */
  checkpointEvery?: number;
  /**
   * What is to be done, before a log is read: a wrong option or a run of --init that does not fit is reported here.
   *
   * @throws {UsageError} options that do not go together
   */
  plan(given: GivenTraining): Promise<Plan> | Plan;
  /** trainings from several initializations, of a trainer that can start from a table */
  compared?: ComparedTrainings;
}

/** What an embedding is for: predictions of rows' labels, or lists of items for users. */
export const goals = ["predictions", "lists"] as const;
export type Goal = (typeof goals)[number];

/** What is known of a log before anything is trained on it. */
export interface LogTraits {
  goal: Goal;
  /** what the labels are; of predictions alone */
  task?: LabelledTask;
  /** of lists, the columns of user and item are there */
  roles: Roles;
}

/** A training of a comparison. */
export interface Candidate {
  /** distinct among those of all trainers; its run's folder is called so */
  name: string;
  /** what sets it apart from the trainer's defaults */
  options: Readonly<Record<string, unknown>>;
  /** seconds that it takes where the cheapest candidate takes one, roughly: cheap ones are trained first */
  effort: number;
  /** a plain model, which others should beat */
  baseline?: true;
  /** its table is one that others start from: beside what it is measured by itself, or `only` that, where it predicts nothing */
  start?: "too" | "only";
  /** the option that names a run to start from: it is trained once more from each such table */
  startOption?: string;
}

/** What a trainer trains on a log; or why it does not suit it, as a message says it after the name: `ranks items and predicts no labels`. */
export type Suits = { candidates: readonly Candidate[] } | { whyNot: string };

/** Of trainers that rank items for users. */
export const RANKS_ONLY: Suits = { whyNot: "ranks items for users and predicts no labels" };
/** Of trainers that predict labels of rows. */
export const PREDICTS_ONLY: Suits = { whyNot: "predicts labels of rows and ranks no items" };
