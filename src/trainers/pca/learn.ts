// A decomposition of users x items as what ranks items, read from a run: a factor model without w0.

import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { factorScorer } from "../../factors/trained.js";
import type { Scorer } from "../../training/session/feature-training.js";
import { interactionParameters } from "./artifact.js";

/** Scores <user, item> and, of a centred matrix, the item's mean. */
export async function readPca(_: Run, space: FeatureSpace, table: EmbeddingTable): Promise<Required<Scorer>> {
  return await Promise.resolve(factorScorer(interactionParameters(space, table)));
}
