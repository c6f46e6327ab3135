// What every kind of model can do that scores rows of a run's features, given what makes its scorer.

import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import type { Capabilities } from "./model.js";
import { readPreprocess, readSpace, type ScoringModel } from "./run-space.js";
import type { Scorer } from "../session/feature-training.js";

/** Makes a run's scorer. @param table of the run, or rows in place of its own */
export type ReadScorer<S extends Scorer = Scorer> = (
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
) => Promise<S>;

async function opened<S extends Scorer>(
  read: ReadScorer<S>,
  run: Run,
  inPlace: EmbeddingTable | undefined,
): Promise<ScoringModel<S>> {
  const { preprocess, table, space } = await readSpace(run);
  return { ...(await read(run, space, inPlace ?? table)), space, preprocess };
}

/** Of any model over features. */
export function scoresRows(read: ReadScorer): Pick<Capabilities, "preprocess" | "scorer" | "predictor"> {
  return {
    preprocess: readPreprocess,
    scorer: (run, inPlace) => opened(read, run, inPlace),
    predictor: async (run, how) =>
      await (await import("./row-predictor.js")).predictorOf(await opened(read, run, undefined), how),
  };
}

/** Of one whose task has labels. */
export function predictsLabels(
  read: ReadScorer,
): Pick<Capabilities, "preprocess" | "scorer" | "predictor" | "evaluate"> {
  return {
    ...scoresRows(read),
    evaluate: async (run, on, watch) =>
      await (
        await import("../judging/evaluate-scores.js")
      ).evaluateScores(run, await opened(read, run, on.inPlace), on, watch),
  };
}

/** Of one that ranks items by vectors. */
export function ranksByVectors(
  read: ReadScorer<Required<Scorer>>,
): Pick<Capabilities, "preprocess" | "scorer" | "predictor" | "rank"> {
  return {
    ...scoresRows(read),
    rank: async (run, keys, inPlace) =>
      await (
        await import("../judging/ranked-items.js")
      ).rankByVectors(run, await opened(read, run, inPlace), keys),
  };
}
