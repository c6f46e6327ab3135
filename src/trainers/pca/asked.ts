// What `train-pca` is asked to do, and what cannot be asked together.

import type { Dataset } from "../../dataset/dataset.js";
import type { EventLimits } from "../../dataset/event-limits.js";
import type { EventWeightOptions } from "../../dataset/event-weights.js";
import type { VocabularyLimits } from "../../dataset/vocabulary-limits.js";
import { UsageError } from "../../errors.js";
import type { PcaOptions } from "./options.js";
import type { DatasetOptions } from "../../training/read-dataset.js";
import type { SplitFlags } from "../../training/split-options.js";

export interface TrainPcaOptions
  extends DatasetOptions, VocabularyLimits, EventLimits, EventWeightOptions, SplitFlags {
  out: string;
  force: boolean;
  /** rows with a label from there on are the events that are counted */
  positiveFrom?: number;
  /** a run whose keys keep their row numbers within each field */
  rowOrder?: string;
  /** what the user set; the rest is default */
  pca: Partial<PcaOptions> & Pick<PcaOptions, "matrix">;
}

/** Whether the matrix counts events that happened. */
export function countsEvents({ matrix }: Pick<PcaOptions, "matrix">): boolean {
  return matrix === "interactions" || matrix === "cooccurrence";
}

/** @throws {UsageError} weights where none are read */
export function checkPcaLog({ roles }: Dataset, { pca, eventWeight, halfLife }: TrainPcaOptions): void {
  const { matrix } = pca;
  if (matrix === "cooccurrence" && (roles.weight ?? eventWeight ?? halfLife) !== undefined)
    throw new UsageError("--matrix cooccurrence counts sessions and takes no event weights: leave them out");
}
