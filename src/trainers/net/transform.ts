// Encodes rows of a log by a network's last hidden layer. The score is a weighted sum of these outputs.

import type { Dataset } from "../../dataset/dataset.js";
import { bindEncoder } from "../../dataset/rows.js";
import type { Run } from "../../table/run-directory.js";
import { vectorEncoding, type EncodedRows } from "../../export/encoded-rows.js";
import { denseLayersOf } from "../../compute/kernels/net/shape.js";
import { silently, wholeOf } from "../../training/reading/split-parts.js";
import { openAsTrained } from "../../training/reading/open-as-trained.js";
import { readSpace, type RunSpace } from "../../training/capabilities/run-space.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";
import { readNetParameters, startScoring, type NetParameters } from "./model.js";
import { encodedChunks } from "../../training/capabilities/encoded-chunks.js";

/** Rows are encoded lazily as they are requested. */
export async function encodeHidden(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  const found = await readSpace(run);
  const network = await readNetParameters(run, found.space, found.table);
  const needed = { roles: "features", key: options.key } as const;
  const { dataset } = await openAsTrained(found.preprocess, options, silently(watch), needed);
  const { inputs: width } = denseLayersOf(network.shape).at(-1)!;
  return {
    encoding: { ...vectorEncoding(options.key, width, dataset.numRows), unbiased: true },
    rows: hiddenRows(found, network, dataset, options),
    unknown: bindEncoder(found.space, dataset).countUnseen(wholeOf(dataset).rows),
    warnings: [],
  };
}

async function* hiddenRows(
  { space }: RunSpace,
  network: NetParameters,
  dataset: Dataset,
  { key, reading }: TransformOptions,
): AsyncGenerator<EncodedRows> {
  const { machine, toNetRows } = await startScoring(space, network, reading.threads);
  try {
    yield* encodedChunks(space, dataset, key, async (rows) => {
      const { hidden } = await machine.encode(toNetRows(rows));
      return { values: hidden };
    });
  } finally {
    await machine.terminate();
  }
}
