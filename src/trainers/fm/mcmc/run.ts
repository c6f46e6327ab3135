// Capabilities of runs of posterior draws, whose mean is the table.

import { featureCounts } from "../../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../../table/run-directory.js";
import { fmComposer } from "../../shared/factor-model/compose.js";
import { foldInEvents } from "../../shared/factor-model/fold-in-events.js";
import type { FmRun } from "../../shared/factor-model/artifact.js";
import type { FoldingIn } from "../../../training/capabilities/folded-keys.js";
import type { TransformOptions } from "../../../training/shared-options/transform-options.js";
import type { Watch } from "../../../training/session/watch.js";
import { drawsByPlace, fitLabels, type Machines } from "../fold-in-labels.js";
import { rotatedAlike } from "./draws.js";
import { readEnsemble } from "./learn.js";
import { refuseProbit } from "./link.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { factorFiles, rowsIn, rotating, type RotateTensors } from "../../shared/factor-model/rotation.js";
import { wholeRows, type Rotation } from "../../../training/capabilities/rotation.js";
import { byFeature, type Forgetting } from "../../../training/capabilities/forgetting/forgetting.js";
import { factorForgetting, factorVectors } from "../../shared/factor-model/read.js";
import type { KeyVectors } from "../../../training/capabilities/key-vectors.js";

/** Fits new users or items to each draw. @throws {UsageError} the draws' scores are not log-odds */
export async function foldInDraws(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLabels(machinesOfDraws), undefined, drawsByPlace);
}

/**
 * Reads the draws, each rotated to match the last one.
 *
 * @throws {UsageError} their scores are not log-odds
 * @throws {ArtifactError} the file of the draws is damaged
 */
async function machinesOfDraws(run: Run, { space }: FmRun): Promise<Machines> {
  refuseProbit(run, "--fold-in");
  const { draws, tableScale = 1 } = await readEnsemble(run, space);
  const rotated = rotatedAlike(draws, featureCounts(space));
  return {
    machines: rotated.map((parameters) => ({ parameters, composer: fmComposer(parameters) })),
    tableScale,
  };
}

const turnDraws: RotateTensors = (tensors, rotate) =>
  new Map(
    [...tensors.keys()]
      .filter((name) => name.endsWith(".vectors"))
      .map((name) => {
        const { shape, data } = rowsIn(tensors, name);
        return [name, { shape, data: rotate(data, new Uint8Array(shape[0]!)) }];
      }),
  );

/** Returns the rotation of a run with several draws: one matrix rotates the table and all draws. */
export function drawsRotation(run: Run, table: EmbeddingTable): Rotation {
  const files = rotating(run, { ...factorFiles, "draws.safetensors": turnDraws });
  return { groups: wholeRows(table), files };
}

/** The rows of the keys' features become zero in each draw. @throws {ArtifactError} damaged */
export async function drawsForgetting(run: Run): Promise<Forgetting> {
  const draws = byFeature((name) => /\.(w|vectors)$/.test(name));
  return await factorForgetting(run, { tensors: { "draws.safetensors": draws } });
}

/**
 * Reads the vectors of the table, the mean of the draws. Weights are omitted for a probit link, because they are not
 * log-odds.
 *
 * @throws {ArtifactError} damaged
 */
export async function drawsVectors(run: Run): Promise<KeyVectors> {
  const { weights, ...vectors } = await factorVectors(run);
  const isProbit = run.manifest.options["link"] === "probit";
  return { ...vectors, weights: isProbit ? undefined : weights };
}
