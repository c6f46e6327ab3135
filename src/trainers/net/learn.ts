// Trains a network on feature rows, and returns it in the form that a run stores.

import { metricsOf } from "../../evaluation/metrics.js";
import type { FeatureRows } from "../../dataset/rows.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { NET_MODEL, netModelFiles, netTable, scoreRows } from "./model.js";
import type { NetOptions } from "./options.js";
import type { NetStart } from "./initialization.js";
import { trainNet } from "./train.js";

/** Trains the network. @throws the errors of trainNet */
export async function learnNet(
  { space, counts, train, valid, start, controls, ...labels }: LearnerInput<NetStart>,
  options: NetOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const model = await trainNet(
    {
      ...{ space, counts, train },
      ...(valid && { valid, validate: validatorOf(labels) }),
      start,
      controls,
    },
    options,
    observe,
    signal,
  );
  const { epochs, bestEpoch, interrupted = false } = model;
  return {
    name: NET_MODEL,
    loss: options.loss,
    ...{ epochs, bestEpoch, interrupted },
    table: (of) => netTable(of, model),
    files: (of) => netModelFiles(of, model),
    score: (rows, { threads }) => scoreRows(space, model, rows, { threads }),
  };
}

/** Returns a function that computes the AUC of the validation split, if it has both labels. */
function validatorOf({ task, labelRange }: Pick<LearnerInput, "task" | "labelRange">) {
  return (scores: Float32Array, { labels, weights }: FeatureRows): Pick<EpochEvent, "auc"> => {
    if (task !== "binary") return {};
    const { auc } = metricsOf("binary", scores, labels, { clip: labelRange, weights });
    return auc === undefined ? {} : { auc };
  };
}
