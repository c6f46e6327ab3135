// What a run of EGES holds: tables of composed items and of contexts, as every run of skip-grams, and what items are composed of.

import type { Dataset, Roles } from "../../../dataset/dataset.js";
import { DEFAULT_TABLE } from "../../../embedding/run-directory.js";
import { contentsOf } from "../../../skip-grams/contents.js";
import type { SgnsVectors } from "../../../skip-grams/learn.js";
import { CONTEXT_TABLE } from "../../../skip-grams/names.js";
import { optimizerFile } from "../../../skip-grams/optimizer-file.js";
import type { Vocabulary } from "../../../skip-grams/vocabulary.js";
import type { ExampleOptions } from "../../../training/options/log.js";
import type { FitContents } from "../../../training/session/plan.js";
import { EGES_MODEL } from "../names.js";
import { sideContents, SIDE_TABLE, splitSpace, type Standing } from "./artifact.js";
import type { SideInformation } from "./side-information.js";

/**
 * @param dataset what the vocabulary was fitted on: items and their side columns
 * @param standing what items of --init keep of the earlier run
 */
export function egesContents(
  { space, history, gone }: Vocabulary,
  dataset: Dataset,
  how: ExampleOptions,
  side: SideInformation,
  standing: Standing | undefined,
  { dim, vectors, contexts, composed, squares }: SgnsVectors & { dim: number },
): FitContents {
  const { roles } = dataset;
  const [item] = side.names;
  const { items, range } = splitSpace(space, item!);
  const numItems = range[1] - range[0] - 1;
  // the item's field is the first one
  const historyOf = (from: number, to?: number) => ({
    lastSeen: history.lastSeen.slice(from, to),
    missed: history.missed.slice(from, to),
  });
  const ofItems = (rows: Float32Array) => ({ dim, vectors: rows.subarray(range[0] * dim, range[1] * dim) });
  const base = contentsOf(
    EGES_MODEL,
    {
      space: items,
      history: historyOf(0, numItems),
      gone,
    },
    { ...dataset, roles: itemRoles(roles, item!) },
    how,
    { [DEFAULT_TABLE]: ofItems(vectors), [CONTEXT_TABLE]: ofItems(contexts) },
    undefined,
  );
  const { rows, attention } = composed!;
  const { table, files } = sideContents(
    { space, history: historyOf(numItems) },
    side,
    { dim, vectors: rows, attention },
    roles,
    standing,
  );
  return {
    ...base,
    tables: { ...base.tables, [SIDE_TABLE]: table },
    files: { ...base.files, ...files, ...(squares && optimizerFile([squares], space.numFeatures)) },
  };
}

/** Roles of a log whose feature is the item alone. */
function itemRoles({ multiWeights: _, ...roles }: Roles, item: string): Roles {
  return { ...roles, fields: [item], numeric: [], multi: {} };
}
