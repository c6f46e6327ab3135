// What trees predict of rows: a run's, with its head where it has one, and those that LightGBM or XGBoost trained.

import type { Dataset } from "../../dataset/dataset.js";
import type { Run } from "../../embedding/run-directory.js";
import type { RowPredictor } from "../../training/capabilities/row-predictor.js";
import { readGbdt } from "./forest/artifact.js";
import { numClassesOf, type TreeSums } from "./forest/forest.js";
import { headScorer, type Head } from "./leaf-heads/head.js";
import { readLikeGbdt } from "./run.js";
import { ForestScorer, type Vocabularies } from "./forest/scorer.js";
import { openForeign } from "./foreign-models/transform-foreign.js";
import { countUnknown } from "./unknown.js";

/** Of a run. */
export async function treePredictor(run: Run, { threads }: { threads: number }): Promise<RowPredictor> {
  const artifact = await readGbdt(run);
  const { forest, vocabularies, preprocess, head } = artifact;
  const { task, classes, labelRange } = preprocess;
  return {
    predicted:
      task === "multiclass"
        ? { kind: "classes", names: classes! }
        : task === "binary"
          ? { kind: "probability" }
          : { kind: "number", range: labelRange },
    as: preprocess,
    notes: [],
    read: (log, watch) => readLikeGbdt(artifact, log, watch, false),
    ...(await scoredBy({ forest, vocabularies, head }, threads)),
    countUnseen: (dataset, rows) => countUnknown(dataset, vocabularies, rows),
  };
}

/** Of a model file of LightGBM or XGBoost. @throws as readForeignModel */
export async function foreignPredictor(
  file: string,
  { threads }: { threads: number },
): Promise<RowPredictor> {
  const { model, vocabularies, named, read } = await openForeign(file);
  return {
    predicted: { kind: "score", numScores: numClassesOf(model.sums) },
    notes: ["scores are raw sums of leaf values; apply the objective's link function to get probabilities"],
    read: async (log, watch) => (await read(log, undefined, watch)).dataset,
    ...(await scoredBy({ forest: model.sums, vocabularies, head: undefined }, threads)),
    countUnseen: (dataset, rows) => countUnknown(dataset, named, rows),
  };
}

interface ScoringTrees {
  forest: TreeSums;
  vocabularies: Vocabularies;
  head: Head | undefined;
}

async function scoredBy(
  { forest, vocabularies, head }: ScoringTrees,
  threads: number,
): Promise<Pick<RowPredictor, "score" | "end">> {
  const needsLeaves = head !== undefined;
  const scorer = await ForestScorer.start(forest, threads, needsLeaves);
  const numClasses = numClassesOf(forest);
  return {
    async score(dataset: Dataset, rows: Uint32Array) {
      const scoreOf = head && headScorer(head, forest, vocabularies, { dataset, rows });
      const scores = new Float64Array(rows.length * numClasses);
      for await (const chunk of scorer.score(dataset, rows, vocabularies, needsLeaves))
        scores.set(scoreOf ? scoreOf(chunk) : chunk.scores, chunk.first * numClasses);
      return scores;
    },
    end: () => scorer.terminate(),
  };
}
