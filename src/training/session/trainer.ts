// The interface of a trainer: its options, the way in which it needs a log to be read, and its training on the splits.
// session.ts does everything else, from the log to the run directory.

import type { OptionTable } from "../options/table.js";
import type { GivenTraining } from "../options/log.js";
import type { Plan } from "./plan.js";
import type { ComparedTrainings } from "../warm-start/initializations.js";
import type { Roles } from "../../dataset/dataset.js";
import type { LabelledTask } from "../../dataset/labels.js";

/** A command that trains. */
export interface Trainer {
  /** name of the command, `train-NAME` */
  command: string;
  /** description of the command in the help */
  description: string;
  /** examples in the help: command lines that work with the files in fixtures/ */
  examples: string;
  /** all options of the command, in the order in which the help shows them */
  options: OptionTable;
  /** Returns the trainings with which `compare` tries this trainer on a log. */
  suits(log: LogTraits): Suits;
  /** name of the step that early stopping counts, if it is not an epoch: `tree` */
  round?: string;
  /** number of epochs, or trees, between two checkpoints in the weekly job */
  checkpointEvery?: number;
  /**
   * Plans a training, before the log is read.
   *
   * @throws {UsageError} options cannot be combined, or the run that --init names does not fit
   */
  plan(given: GivenTraining): Promise<Plan> | Plan;
  /** trains from several initializations, for `lift`; only for trainers that can start from a table */
  compared?: ComparedTrainings;
}

/** Purpose of an embedding: to predict labels, or to rank items for users. */
export const goals = ["predictions", "lists"] as const;
export type Goal = (typeof goals)[number];

/** Facts about a log that are known before any training. */
export interface LogTraits {
  goal: Goal;
  /** task of the labels; set for predictions */
  task?: LabelledTask;
  /** roles of the log's columns, which include user and item for ranked lists */
  roles: Roles;
}

/** One of the trainings that `compare` runs. */
export interface Candidate {
  /** name of the run's folder, unique among all trainers */
  name: string;
  /** options whose values differ from the trainer's defaults */
  options: Readonly<Record<string, unknown>>;
  /** rough duration of the training, relative to the fastest candidate; fast candidates are trained first */
  effort: number;
  /** true for a simple model that other models should beat */
  baseline?: true;
  /**
   * set if other candidates can start from the table of this run; "only" if it is trained only for that, because it
   * predicts nothing
   */
  start?: "too" | "only";
  /**
   * option that names a run from which this training can start; `compare` then also trains the candidate with the table
   * of each run whose candidate sets `start`
   */
  startOption?: string;
}

/**
 * Candidates of a trainer for a log, or the reason why the trainer does not suit it, as the message states it after the
 * trainer's name: `ranks items and predicts no labels`.
 */
export type Suits = { candidates: readonly Candidate[] } | { whyNot: string };

/** Answer of a trainer that only ranks items, if the user wants to predict labels. */
export const RANKS_ONLY: Suits = { whyNot: "ranks items for users and predicts no labels" };
/** Answer of a trainer that only predicts labels, if the user wants to rank items. */
export const PREDICTS_ONLY: Suits = { whyNot: "predicts labels of rows and ranks no items" };
