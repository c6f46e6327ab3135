// Trainings of one model from several initializations of its embedding layer on the same rows, which `lift` compares.

import type { Metrics } from "../../embedding/manifest.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EpochEvent } from "../epochs/epoch-loop.js";
import type { OptionTable } from "../options/table.js";
import type { GivenTraining } from "../options/log.js";
import type { Plan, Session, TrainingInput } from "../session/plan.js";

/**
 * Initial values of an embedding layer: `table`, the table of a run; `random`, random rows; `shuffled`, rows of the
 * table, shuffled among the keys of their field; `norms`, random rows with the norms of the table's rows.
 */
export const initializations = ["table", "random", "shuffled", "norms"] as const;
export type Initialization = (typeof initializations)[number];

/** Learning rates and seed of one training. */
export interface TrainingSteps {
  learningRate: number;
  embeddingLearningRate: number;
  seed: number;
}

/** Functions of a trainer that can train from a table. */
export interface ComparedTrainings {
  /** options of the trainer in addition to those of `lift` */
  options: OptionTable;
  /** Plans the trainings. @throws {UsageError} options cannot be combined, or the run has no vectors */
  plan(given: GivenTraining & { init: string; patience?: number; epochs?: number }): Promise<ComparedPlan>;
}

export interface ComparedPlan extends Omit<Plan, "fit"> {
  init: Run;
  /** Creates the examples, once for all trainings. */
  prepare(source: TrainingInput, session: Session): Promise<PreparedTrainings>;
}

export interface PreparedTrainings {
  /** options with defaults applied, for the result */
  options: Record<string, unknown>;
  seed: number;
  loss: "logistic" | "squared";
  /** Trains from one initialization. @throws {DivergedError} a loss became NaN or infinite */
  train(kind: Initialization, steps: TrainingSteps, signal: AbortSignal): Promise<ComparedTraining>;
}

export interface ComparedTraining {
  epochs: readonly EpochEvent[];
  bestEpoch: number;
  /** Computes the metrics of the test split; undefined if there is none. */
  test(): Promise<Metrics | undefined>;
}
