// Implicit feedback on a space's events, on this machine.

import type { FieldFeatures } from "../../dataset/sequences/interactions.js";
import { featureHashes } from "../../dataset/vocabulary/vocabulary.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { listMetric } from "../../training/options/lists.js";
import type { Start } from "../../training/warm-start/start.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { eventsOf } from "./events.js";
import type { AlsOptions } from "./options.js";
import { trainImplicit, type EarlierSide } from "./train.js";

/**
 * Factorizes the events of users and items; every row of the training part is an event.
 *
 * @throws {UsageError} there is no user or no item field
 * @throws as trainImplicit
 */
export async function learnImplicit(
  input: LearnerInput<Start>,
  options: AlsOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const { space, ranking, start, controls } = input;
  const { user, item, users, items, chosen, modelOf } = eventsOf(input, options);
  const validate = ranking?.validate;
  const stoppingMetric = ranking && listMetric(ranking.options);
  const model = await trainImplicit(
    {
      users,
      items,
      itemHashes: featureHashes(space).subarray(2 * item.first, 2 * (item.first + item.count)),
      ...(validate && {
        validate: async (vectors) => {
          const metrics = await validate(modelOf(vectors));
          return { value: metrics[stoppingMetric!] ?? 0, metrics };
        },
      }),
      ...(start && {
        start: { users: sideOf(start, user), items: sideOf(start, item), freezes: start.freezes },
      }),
      controls,
    },
    { ...options, ...chosen },
    observe,
    signal,
  );
  return { ...modelOf(model, model), chosen };
}

/** A side's rows of an earlier model. */
function sideOf({ known, vectors }: Start, { first, count }: FieldFeatures): EarlierSide {
  const dim = vectors.length / known.length;
  return {
    known: known.subarray(first, first + count),
    vectors: vectors.subarray(first * dim, (first + count) * dim),
  };
}
