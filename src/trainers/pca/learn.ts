// A decomposition of users x items as what ranks items: a factorization machine without w0, in training and read from a run.

import type { FeatureSpace } from "../../dataset/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { trainedFm } from "../fm/learn.js";
import type { FmParameters } from "../../factors/model.js";
import type { Scorer } from "../../training/trained.js";
import { interactionParameters } from "./artifact.js";

/** The scorer of a run. */
export function readPca(_: Run, space: FeatureSpace, table: EmbeddingTable): Promise<Scorer> {
  return Promise.resolve(scorerOf(interactionParameters(space, table)));
}

/** Scores <user, item> and, of a centred matrix, the item's mean. */
export function scorerOf(parameters: FmParameters): Scorer {
  return trainedFm({ ...parameters, loss: "squared", bestEpoch: 0, epochs: [] });
}
