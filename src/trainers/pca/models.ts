// The models of runs of `train-pca`.

import { zerosForUnknown } from "../../export/reserve.js";
import { type Capabilities, type Models, ranksByVectors } from "../../training/capabilities/model.js";
import { readPreprocess } from "../../training/capabilities/run-space.js";

const folds = "use --fold-in LOG with events of new users or items";
const projects = "use transform RUN LOG to project rows of its matrix";

const components: Capabilities = {
  preprocess: readPreprocess,
  rotation: async (...of) => (await import("./artifact.js")).componentRotation(...of),
  forgetting: async (run) => await (await import("./artifact.js")).componentForgetting(run),
  vectors: async (run) =>
    await (await import("../../training/capabilities/key-vectors.js")).vectorsOfFeatures(run),
  // a row without entries is projected to a vector of zeros
  unknownKeys: async (_, { table }) => await Promise.resolve(zerosForUnknown(table)),
};

const ranks: Capabilities = {
  ...ranksByVectors(async (_, space, table) =>
    (await import("../shared/factor-model/trained.js")).tableScorer(space, table),
  ),
  scoresBy: "vectors",
  foldedRank: "dot",
};

const ofRows: Capabilities = {
  transform: async (...of) => await (await import("./transform.js")).projectRows(...of),
};

export const models: Models = {
  pca: {
    holds: "components of users and items",
    command: "train-pca --matrix interactions",
    ...components,
    ...ranks,
    foldIn: async (...of) => await (await import("./transform.js")).foldInInteractions(...of),
    lacks: { transform: folds },
  },
  "pca-features": {
    holds: "components of features",
    command: "train-pca --matrix features",
    ...components,
    ...ofRows,
    lacks: { foldIn: projects },
  },
  "pca-columns": {
    holds: "components of columns",
    command: "train-pca --matrix columns",
    ...components,
    ...ofRows,
    lacks: { foldIn: projects },
  },
  "pca-cooccurrence": {
    holds: "components of co-occurring items",
    command: "train-pca --matrix cooccurrence",
    ...components,
  },
  "pca-transitions": {
    holds: "components of transitions between items",
    command: "train-pca --matrix transitions",
    ...components,
    ...ranks,
    mips: "rows",
    foldIn: async (...of) => await (await import("./transitions.js")).foldInHistories(...of),
    lacks: { transform: folds },
  },
};
