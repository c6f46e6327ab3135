// Trainings of one model from several starts, on the same rows: what `lift` compares.

import type { Metrics } from "../../embedding/manifest.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EpochEvent } from "../epochs/epoch-loop.js";
import type { OptionTable } from "../options/table.js";
import type { GivenTraining } from "../options/log.js";
import type { Plan, Session, Source } from "../session/plan.js";

/**
 * What an embedding layer starts from: a run's table, first values, the table's rows dealt anew among the keys of their field, random rows of
 * the table's lengths.
 */
export const startKinds = ["table", "random", "shuffled", "norms"] as const;
export type StartKind = (typeof startKinds)[number];

/** What one training is given: its step sizes, and the seed. */
export interface StartSteps {
  learningRate: number;
  embeddingLearningRate: number;
  seed: number;
}

/** A trainer whose trainings may start from a table. */
export interface Starts {
  /** options beside those of lift */
  options: OptionTable;
  /** @throws {UsageError} options that do not go together, or a run without vectors */
  plan(given: GivenTraining & { init: string; patience?: number; epochs?: number }): Promise<StartsPlan>;
}

export interface StartsPlan extends Omit<Plan, "fit"> {
  earlier: Run;
  /** Makes the examples, once for all trainings. */
  prepare(source: Source, session: Session): Promise<StartTrainings>;
}

export interface StartTrainings {
  /** as they are used, for the result */
  options: Record<string, unknown>;
  seed: number;
  loss: "logistic" | "squared";
  /** @throws {DivergedError} a loss became NaN or infinite */
  train(kind: StartKind, steps: StartSteps, signal: AbortSignal): Promise<StartTraining>;
}

export interface StartTraining {
  epochs: readonly EpochEvent[];
  bestEpoch: number;
  /** Metrics of the test part; undefined without one. */
  test(): Promise<Metrics | undefined>;
}
