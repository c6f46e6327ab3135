// Converts rows of a table of items or users to vectors by a run of train-ranking. A vector is the sum over the
// features of the row and, for an item of the run, over its neighbors (--item-neighbors). A new item has no neighbors,
// so only its own features are summed.

import { MISSING } from "../../log/keys.js";
import { columnNamed } from "../../dataset/dataset.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { withNeighborRows } from "../../dataset/graph/item-neighbors.js";
import type { Run } from "../../table/run-directory.js";
import { composerOfFactors, encodeComposed, type Completion } from "../shared/factor-model/transform.js";
import { readItems } from "../../training/examples/item-file.js";
import { readPreprocess } from "../../training/capabilities/run-space.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";

export async function encodeItems(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  const completion = await neighborsOf(run, watch);
  return await encodeComposed(run, options, watch, { composerOf: composerOfFactors, completion });
}

/** Returns the function that adds the neighbors of the run's items to rows; undefined for a run without neighbors. */
async function neighborsOf(run: Run, watch: Watch): Promise<Completion | undefined> {
  if (run.manifest.options["itemNeighbors"] === undefined) return undefined;
  const preprocess = await readPreprocess(run);
  const { items, fromNeighbors } = (await readItems(run, preprocess)) ?? {};
  const [item] = preprocess.itemFields ?? [];
  if (!items || !fromNeighbors || item === undefined) return undefined;
  return (dataset, known) => {
    const column = known.includes(item) ? columnNamed(dataset, item) : undefined;
    if (column?.kind !== "key") {
      const text =
        `column '${item}' is missing, so no row is a known item: vectors do not include ` +
        "neighbors (--item-neighbors)";
      watch.observe({ stage: "note", text });
      return (_, rows) => rows;
    }
    const index = new KeyIndex(items);
    const itemOfCode = Int32Array.from({ length: column.dictionary.size }, (_, code) =>
      index.find(column.dictionary, code),
    );
    const itemOf = (row: number) => {
      const code = column.codes[row]!;
      const found = code === MISSING ? -1 : itemOfCode[code]!;
      return found < 0 ? items.size : found;
    };
    let numKnown = 0;
    for (let row = 0; row < dataset.numRows; row++) if (itemOf(row) < items.size) numKnown++;
    watch.observe({
      stage: "note",
      text:
        `vectors of the ${numKnown} items known to the run include their neighbors; the other ` +
        `${dataset.numRows - numKnown} use only their own features`,
    });
    return (first, rows) => withNeighborRows(rows, fromNeighbors, (row) => itemOf(first + row));
  };
}
