// What a trainer is. It says what its options are, how a log is read for it, and how it trains on parts of a log; all else from the
// log to the run directory is the session's (session.ts).

import type { OptionTable } from "../options/table.js";
import type { GivenTraining } from "../options/log.js";
import type { Plan } from "./plan.js";
import type { Starts } from "../warm-start/starts.js";
import type { LogTraits, Suits } from "./suits.js";

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
   * What is to be done, before a log is read: a wrong option or an earlier run that does not fit is reported here.
   *
   * @throws {UsageError} options that do not go together
   */
  plan(given: GivenTraining): Promise<Plan> | Plan;
  /** trainings from several starts, for a trainer that can start from a table */
  starts?: Starts;
}
