// Trainings of one model from several initializations of its embedding layer, on the same rows: `lift` compares them.

import type { Metrics } from "../../embedding/manifest.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EpochEvent } from "../epochs/epoch.js";
import type { OptionTable } from "../options/table.js";
import type { GivenTraining } from "../options/log.js";
import type { Plan, Session, Source } from "../session/plan.js";

/**
 * First values of an embedding layer: a run's table, random rows, the table's rows shuffled among the keys of their field, random
 * rows of the table's lengths.
 */
export const initializations = ["table", "random", "shuffled", "norms"] as const;
export type Initialization = (typeof initializations)[number];

/** The learning rates and the seed of one training. */
export interface TrainingSteps {
  learningRate: number;
  embeddingLearningRate: number;
  seed: number;
}

/** Trainings that may start from a table. */
export interface ComparedTrainings {
  /** options beside those of lift */
  options: OptionTable;
  /** @throws {UsageError} options that do not go together, or a run without vectors */
  plan(given: GivenTraining & { init: string; patience?: number; epochs?: number }): Promise<ComparedPlan>;
}

export interface ComparedPlan extends Omit<Plan, "fit"> {
  init: Run;
  /** Makes the examples, once for all trainings. */
  prepare(source: Source, session: Session): Promise<PreparedTrainings>;
}

export interface PreparedTrainings {
  /** as they are used, for the result */
  options: Record<string, unknown>;
  seed: number;
  loss: "logistic" | "squared";
  /** @throws {DivergedError} a loss became NaN or infinite */
  train(kind: Initialization, steps: TrainingSteps, signal: AbortSignal): Promise<ComparedTraining>;
}

export interface ComparedTraining {
  epochs: readonly EpochEvent[];
  bestEpoch: number;
  /** Metrics of the test part; undefined without one. */
  test(): Promise<Metrics | undefined>;
}
