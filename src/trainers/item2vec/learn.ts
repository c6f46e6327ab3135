// Skip-gram with negative sampling on sessions, which are reshuffled in each epoch and validated on held-out ones.
//
//   sessions ──► stream of tokens, anew each epoch ──► machine ──► loss of held-out pairs ──► the best epoch's vectors
//
// Source: Mikolov et al. 2013 (arXiv:1310.4546), Barkan and Koenigstein 2016 (arXiv:1603.04259). Deviations:
// docs/algorithms/item2vec.md.

import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { aliasTable } from "../../base/numeric/alias.js";
import { SkipGrams, type WeightedSequences } from "../../dataset/sampling/skip-grams.js";
import {
  learnSkipGrams,
  noiseOf,
  type SgnsVectors,
  popularityRows,
  pairLoss,
  type ScoredVectors,
} from "../shared/skip-grams/learn.js";
import { SgnsMachine } from "../shared/skip-grams/machine.js";
import type { SgnsStart } from "../shared/skip-grams/warm-start.js";
import type { EpochsDone, Controls, EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { VectorsAdd } from "../../table/manifest.js";
import { vectorsAddOf } from "../../metrics/vectors-add.js";
import { stoppingMetricOf, windowSize, type TrainedOptions, type Item2vecOptions } from "./options.js";
import type { Beside } from "./sessions.js";
import type { Validation } from "./validation.js";
import { softplus } from "../../base/numeric/exp.js";
import { NO_MARKET } from "../../compute/kernels/sgns/binding.js";
import { draw } from "../../base/numeric/random.js";
import { sumOf } from "../../base/numeric/indices.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import type { HeldOutSequences } from "../shared/skip-grams/sessions.js";

interface Item2vecInput {
  space: FeatureSpace;
  train: WeightedSequences;
  valid?: Validation | undefined;
  /** f64[numFeatures]: total weight of the events in training sessions */
  totals: Float64Array;
  /** number of epochs over which the learning rate decays; in a refit, that of the evaluated training */
  scheduledEpochs: number;
  start?: SgnsStart | undefined;
  /** contexts and negatives of centres in addition to those in their window */
  beside?: Beside | undefined;
  controls: Controls;
}

interface Item2vecModel extends EpochsDone, SgnsVectors {
  vectorsAdd: VectorsAdd | undefined;
}

/** The same input, options and seed give the same bytes at any number of threads. */
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

/** Maximum number of centres that are evaluated; if there are more, every n-th is used. */
const MOST_CENTRES = 20_000;
/** Number of the random stream for the noise of held-out pairs, which differs from the seed's other streams. */
const HELD_OUT = 0x4e1d0;
/** Number of the random stream for negatives from markets. */
const MARKETS = 0x4e1d1;

interface SkipGramLoss {
  of(evaluated: ScoredVectors): number;
  bySession: (evaluated: ScoredVectors) => UserMetric;
}

/**
 * Computes the mean over held-out centres of -sum of w_d (log σ(h z_c) + Σ log σ(-h z_n)), in nats, for the centre's
 * vector h, its contexts c at distances d with weights w_d, and noise n; z are context vectors. Centres are weighted by
 * their events' weights, pairs by both events' weights. Goals, rejections and market negatives count as in training.
 *
 * @param noise alias table (base/numeric/alias) by feature
 */
function heldOutLoss(
  valid: HeldOutSequences,
  noise: Uint32Array,
  {
    window,
    direction,
    negatives,
    seed,
  }: Pick<Item2vecOptions, "negatives" | "seed"> & { window: number; direction: "both" | "after" },
  beside?: Pick<Beside, "pairs" | "valid">,
): SkipGramLoss {
  const { offsets, tokens, weights, numSessions, isHeldOut } = valid;
  const numHeldOut = isHeldOut.reduce((sum, is) => sum + is, 0);
  const step = Math.max(1, Math.ceil(numHeldOut / MOST_CENTRES));
  const key = draw(seed, HELD_OUT);
  const pairsOf = beside && pairsBeside(beside, draw(seed, MARKETS));
  const bySession = (evaluated: ScoredVectors): UserMetric => {
    const pairs = pairLoss(evaluated, { noise, negatives, key });
    const [sums, masses] = [new Float64Array(numSessions), new Float64Array(numSessions)];
    let seen = 0;
    for (let session = 0; session < numSessions; session++) {
      const [first, end] = [offsets[session]!, offsets[session + 1]!];
      for (let i = first; i < end; i++) {
        if (!isHeldOut[i] || seen++ % step !== 0) continue;
        const counts = weights ? weights[i]! ** 2 : 1;
        masses[session]! += counts;
        const from = direction === "after" ? i + 1 : Math.max(first, i - window);
        for (let j = from; j <= Math.min(end - 1, i + window); j++) {
          if (j === i) continue;
          const ofPair = weights ? weights[i]! * weights[j]! : 1;
          const weight = (ofPair * (window - Math.abs(i - j) + 1)) / window;
          sums[session]! += weight * pairs.loss(tokens[i]!, tokens[j]!);
        }
        for (const [context, weight] of pairsOf?.(tokens[i]!, session, i) ?? [])
          sums[session]! +=
            counts * Math.abs(weight) * softplus(-Math.sign(weight) * pairs.score(tokens[i]!, context));
      }
    }
    const seenOnly = (_: number, session: number) => masses[session]! > 0;
    return { name: "pairLoss", sums: sums.filter(seenOnly), weights: masses.filter(seenOnly) };
  };
  return {
    of: (evaluated) => {
      const { sums, weights } = bySession(evaluated);
      return sumOf(sums) / (sumOf(weights!) || 1);
    },
    bySession,
  };
}

/** Returns the contexts of a centre in addition to the window; the weights of negatives are below 0. */
function pairsBeside(
  { pairs: { markets }, valid }: Pick<Beside, "pairs" | "valid">,
  key: number,
): (centre: number, session: number, position: number) => [context: number, weight: number][] {
  return (centre, session, position) => {
    const found: [number, number][] = [];
    if (valid) {
      const { ends, rows, weights } = valid.lists;
      const list = valid.ofSession[session]!;
      for (let k = ends[list]!; k < ends[list + 1]!; k++) found.push([rows[k]!, weights[k]!]);
    }
    const market = markets?.of[centre] ?? NO_MARKET;
    if (markets && market !== NO_MARKET) {
      const [from, size] = [markets.ends[market]!, markets.ends[market + 1]! - markets.ends[market]!];
      const own = draw(key, position);
      for (let k = 0; k < markets.drawn; k++)
        found.push([markets.rows[from + Math.floor((draw(own, k) / 2 ** 32) * size)]!, -1]);
    }
    return found.filter(([context, weight]) => weight > 0 || context !== centre);
  };
}
