// The field-aware factorization machine as `train-fm` knows it. The epoch loop is the factorization machine's own; what differs
// is the kernel, that rows stand in the order of their fields, and that a feature's vector is one for each field.
//
//   embeddings.arrow        vectors f32[fields * dim]: block f is the vector for field f (ffm.json names them in order)
//   model/fm.safetensors    as fm/artifact.ts has it
//   model/ffm.json          fields, dim of a block, and whether rows are normalised

import { hashText } from "../../../numeric/hash.js";
import { fieldOfFeatures, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import type { FieldAwareness } from "../../../kernels/ffm/binding.js";
import { readFmParameters } from "../../../factors/artifact.js";
import { trainedFactors } from "../../../factors/trained.js";
import { spaceInput } from "../learn.js";
import { scoreRows, startScoring } from "../../../factors/model.js";
import type { FmOptions } from "../options.js";
import { trainFm } from "../train.js";
import type { EpochEvent } from "../../../training/epochs/epoch.js";
import type { Start } from "../../../training/warm-start/start.js";
import type { LearnerInput, Scorer, Trained } from "../../../training/session/feature-training.js";
import { layoutFile, readLayout } from "./layout.js";
import { inFieldOrder, trainingInFieldOrder } from "./rows.js";

/** @throws as trainFm */
export async function learnFfm(
  { train, valid, ...input }: LearnerInput<Start>,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const { dim, normalizeRows } = options;
  const fields = fieldAwareness(input.space, normalizeRows);
  const { fieldOf } = fields;
  const inOrder = {
    ...input,
    train: trainingInFieldOrder(train, fieldOf),
    valid: valid && inFieldOrder(valid, fieldOf),
  };
  const model = await trainFm({ ...spaceInput(inOrder, options), fields }, options, observe, signal);
  const trained = trainedFactors("ffm", model);
  return {
    ...trained,
    files: (of) => ({
      ...trained.files(of),
      ...layoutFile({ fields: of.fields.map(({ name }) => name), dim, normalizeRows }),
    }),
    score: (rows, how) => scoreRows({ ...model, fields }, inFieldOrder(rows, fieldOf), how),
  };
}

/** The scorer of a run. @throws {ArtifactError} ffm.json does not go with the table */
export async function readFfm(run: Run, space: FeatureSpace, table: EmbeddingTable): Promise<Scorer> {
  const layout = await readLayout(run, table);
  const parameters = await readFmParameters(run, space, table);
  const fields = fieldAwareness(space, layout.normalizeRows);
  const { fieldOf } = fields;
  return {
    score: (rows, how) => scoreRows({ ...parameters, fields }, inFieldOrder(rows, fieldOf), how),
    async start(options) {
      const running = await startScoring({ ...parameters, fields }, options);
      return { ...running, score: (rows) => running.score(inFieldOrder(rows, fieldOf)) };
    },
  };
}

/** What the kernel knows of the fields of a space. */
function fieldAwareness({ fields, offsets }: FeatureSpace, normalizeRows: boolean): FieldAwareness {
  return {
    numFields: fields.length,
    fieldOf: fieldOfFeatures(offsets),
    fieldHashes: Uint32Array.from(fields, ({ name }) => hashText(name).lo),
    multi: fields.map(({ kind }) => kind === "multi"),
    normalizeRows,
  };
}
