// ALS and MCMC for `train-fm`: trains on feature rows, and writes and reads the files of a run.
//
//   model/fm.safetensors      w0 and out-of-vocabulary rows of the table, as for every factorization machine
//   model/draws.safetensors   parameters of the predictions: u8 link[1], 1 for probit and 2 for logit; for each draw N
//                             from 0 on f32 N.w0[1], N.w[numFeatures] and N.vectors[numFeatures, dim], features in the
//                             space's order; tableScale[1], unless it is 1
//
// With one draw and without a link, the table is the whole model, and the run's model is a plain "fm".

import { featureHashes, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../../table/run-directory.js";
import { TensorFile, safetensorsChunks, type Tensor } from "../../../table/safetensors.js";
import type { FactorStart } from "../../shared/factor-model/warm-start.js";
import type { EpochEvent } from "../../../training/epochs/epoch-loop.js";
import type { LearnerInput, Scorer, Trained } from "../../../training/session/feature-training.js";
import { trainedFactors } from "../../shared/factor-model/trained.js";
import type { FmParameters } from "../../shared/factor-model/model.js";
import type { FmOptions } from "../options.js";
import { fieldPenalties } from "../learn.js";
import { scoreEnsemble, type Ensemble } from "./draws.js";
import { links } from "./link.js";
import { residentRows } from "../training-rows.js";
import { trainCoordinates } from "./train.js";

const DRAWS_FILE = "draws.safetensors";
const SCALE = "tableScale";

/** @throws the errors of trainCoordinates */
export async function learnCoordinates(
  { space, counts, train, valid, start, controls }: LearnerInput<FactorStart>,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const isUnseen = unseenFeatures(space);
  const { ensemble, ...model } = await trainCoordinates(
    {
      offsets: space.offsets,
      featureHashes: featureHashes(space),
      standsForUnseen: (feature) => isUnseen[feature] === 1,
      train: residentRows(train),
      penalties: fieldPenalties(space, options),
      ...{ counts, valid, start, controls },
    },
    options,
    observe,
    signal,
  );
  const fm = trainedFactors("fm", model);
  const { link, draws, tableScale = 1 } = ensemble;
  if (link === "identity" && draws.length === 1) return fm;
  const byTable: Ensemble = { link, draws: [model] };
  return {
    ...fm,
    name: "fm-draws",
    ...(tableScale !== 1 && { chosen: { tableScale }, keeps: { tableScale } }),
    files: () => ({ ...fm.files(space), [DRAWS_FILE]: drawsFile(ensemble) }),
    score: (rows, how) => scoreEnsemble(ensemble, rows, how),
    scoreByTable: draws.length > 1 ? (rows, how) => scoreEnsemble(byTable, rows, how) : undefined,
  };
}

/**
 * Returns u8[numFeatures]: 1 for a feature that represents unknown keys: the out-of-vocabulary feature of each field,
 * and all features of a hashed field.
 */
function unseenFeatures({ fields, offsets, numFeatures }: FeatureSpace): Uint8Array {
  const unseen = new Uint8Array(numFeatures);
  fields.forEach((field, f) => {
    if (field.kind === "number") return;
    unseen[offsets[f]!] = 1;
    if (field.kind === "key" && field.hash) unseen.fill(1, offsets[f], offsets[f + 1]);
  });
  return unseen;
}

function drawsFile({ link, draws, tableScale = 1 }: Ensemble): Uint8Array[] {
  const tensors = new Map<string, Tensor>([
    ["link", { shape: [1], data: Uint8Array.of(links.indexOf(link)) }],
  ]);
  if (tableScale !== 1) tensors.set(SCALE, { shape: [1], data: Float32Array.of(tableScale) });
  draws.forEach(({ dim, w0, w, vectors }, i) => {
    tensors.set(`${i}.w0`, { shape: [1], data: Float32Array.of(w0) });
    tensors.set(`${i}.w`, { shape: [w.length], data: w });
    tensors.set(`${i}.vectors`, { shape: [w.length, dim], data: vectors });
  });
  return safetensorsChunks(tensors);
}

/** @throws {ArtifactError} a tensor is missing or has another shape */
export async function readDraws(run: Run, space: FeatureSpace): Promise<Scorer> {
  const ensemble = await readEnsemble(run, space);
  return { score: (rows, options) => scoreEnsemble(ensemble, rows, options) };
}

/** @throws {ArtifactError} a tensor is missing or has another shape */
export async function readEnsemble(run: Run, { numFeatures }: FeatureSpace): Promise<Ensemble> {
  const tensors = await TensorFile.of(run, DRAWS_FILE);
  const draws: FmParameters[] = [];
  const dim = tensors.has("0.vectors") ? tensors.shapeOf("0.vectors")[1] : undefined;
  for (let i = 0; tensors.has(`${i}.w0`); i++) {
    const w = tensors.f32(`${i}.w`, [numFeatures]);
    const vectors = tensors.f32(`${i}.vectors`, [numFeatures, dim]);
    draws.push({ dim: dim!, w0: tensors.f32(`${i}.w0`, [1])[0]!, w, vectors });
  }
  if (draws.length === 0 || dim === undefined) return tensors.fail("it has no draws");
  const link = links[tensors.u8("link", [1])[0]!] ?? tensors.fail("its link function is unknown");
  const tableScale = tensors.has(SCALE) ? tensors.f32(SCALE, [1])[0]! : 1;
  if (!(tableScale > 0 && tableScale <= 1))
    return tensors.fail(`its ${SCALE} is ${tableScale}, not in (0, 1]`);
  return { link, draws, tableScale };
}
