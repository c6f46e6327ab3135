// Skip-gram with negative sampling on sessions, which are reshuffled in each epoch and validated on held-out ones.
//
//   sessions ──► stream of tokens, anew each epoch ──► machine ──► loss of held-out pairs ──► the best epoch's vectors
//
// Source: Mikolov et al. 2013 (arXiv:1310.4546), Barkan and Koenigstein 2016 (arXiv:1603.04259). Deviations:
// docs/algorithms/item2vec.md.

import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { aliasTable } from "../../numeric/alias.js";
import { SkipGrams, type WeightedSequences } from "../../sampling/skip-grams.js";
import { learnSkipGrams, noiseOf, type SgnsVectors } from "../../skip-grams/learn.js";
import { SgnsMachine } from "../../skip-grams/machine.js";
import type { SgnsStart } from "../../skip-grams/warm-start.js";
import type { EpochsDone, Controls, EpochEvent } from "../../training/epochs/epoch-loop.js";
import { heldOutLoss } from "./held-out-loss.js";
import type { VectorsAdd } from "../../embedding/manifest.js";
import { vectorsAddOf } from "../../evaluation/vectors-add.js";
import { popularityRows } from "../../skip-grams/pair-loss.js";
import { stoppingMetricOf, windowSize, type TrainedOptions } from "./options.js";
import type { Beside } from "./sessions.js";
import type { Validation } from "./validation.js";

export interface Item2vecInput {
  space: FeatureSpace;
  train: WeightedSequences;
  valid?: Validation | undefined;
  /** f64[numFeatures]: total weight of the events in training sessions */
  totals: Float64Array;
  /** number of epochs over which the learning rate decays; in a refit, that of the evaluated training */
  scheduledEpochs: number;
  /** initial parameters of a warm start */
  start?: SgnsStart | undefined;
  /** contexts and negatives of centres in addition to those in their window */
  beside?: Beside | undefined;
  controls: Controls;
}

/** Vectors and contexts, by feature of the training's feature space. */
export interface Item2vecModel extends EpochsDone, SgnsVectors {
  vectorsAdd: VectorsAdd | undefined;
}

/**
 * Trains item vectors. The same input, options and seed give the same bytes at any number of threads.
 *
 * @throws {UsageError} the rows do not fit into 4 GiB
 * @throws {DivergedError} a loss or a vector became NaN or infinite
 */
export async function learnItem2vec(
  { space, train, valid, totals, scheduledEpochs, start, beside, controls }: Item2vecInput,
  options: TrainedOptions,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<Item2vecModel> {
  const { dim, windowDirection: direction, negatives, noiseExponent } = options;
  const { subsample, seed, threads } = options;
  const window = windowSize(options);
  const stream = new SkipGrams(train, totals, { window, direction, subsample, seed });
  let ahead: { epoch: number; tokens: ReturnType<SkipGrams["epoch"]> } | undefined;
  const noise = noiseOf(totals, noiseExponent);
  const machine = await SgnsMachine.start(
    {
      ...{ numRows: space.numFeatures, dim, window, negatives, seed, noise },
      firstVectorHashes: featureHashes(space),
      mostTokens: train.tokens.length,
      pairs: beside?.pairs,
    },
    threads,
  );
  if (start) machine.startFrom(start);
  const lossOf =
    valid && heldOutLoss(valid.heldOut, aliasTable(noise), { ...options, window, direction }, beside);
  const { kept, ...done } = await learnSkipGrams(
    {
      ...{
        learners: [{ machine, start }],
        stoppingMetric: stoppingMetricOf(options),
        scheduledEpochs,
        controls,
      },
      async pass(epoch, rates) {
        const tokens = ahead?.epoch === epoch ? ahead.tokens : stream.epoch(epoch);
        const numTokens = tokens.tokens.length;
        machine.load(
          beside ? { ...tokens, lists: tokens.rows.map((row) => beside.listOfRow[row]!) } : tokens,
        );
        const trained = machine.train(epoch, rates);
        // the next epoch's tokens are prepared while the threads train on their copy of the current epoch's
        ahead = epoch < options.epochs ? { epoch: epoch + 1, tokens: stream.epoch(epoch + 1) } : undefined;
        return { trainLoss: await trained, numTokens };
      },
      validate:
        lossOf &&
        (async () => {
          const vectors = machine.vectors();
          return {
            validLoss: lossOf.of({ dim, vectors, contexts: machine.contexts() }),
            ...(await valid.nextItems?.of(vectors, signal)),
          };
        }),
    },
    options,
    observe,
    signal,
  );
  const model = kept[0]!;
  return { ...done, ...model, vectorsAdd: lossOf && (await added()) };

  /** Compares the vectors with popularity by the stopping metric: recall of next items, or loss of held-out pairs. */
  async function added(): Promise<VectorsAdd | undefined> {
    const control = "popularity";
    if (valid!.nextItems) {
      const found = await valid!.nextItems.beside(model.vectors, totals, signal);
      return found && vectorsAddOf({ control, units: "events", ...found });
    }
    const [own, alone] = [{ dim, ...model }, popularityRows(totals, noise, negatives)].map(lossOf!.bySession);
    return vectorsAddOf({ control, units: "sessions", model: own!, alone: alone! });
  }
}
