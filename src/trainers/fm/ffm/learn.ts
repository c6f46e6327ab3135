// Trains the field-aware factorization machine for `train-fm`. It shares the epoch loop of the factorization machine,
// with another kernel; the pairs of a row must be sorted by field, and a feature has one vector per partner field.
//
//   embeddings.arrow        vectors f32[fields * dim]: block f is the vector for field f (ffm.json lists their order)
//   model/fm.safetensors    as in trainers/shared/factor-model/artifact.ts
//   model/ffm.json          fields, dim of a block, and whether rows are normalized

import { hashText } from "../../../base/numeric/hash.js";
import { fieldOfFeatures, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../../table/run-directory.js";
import type { EmbeddingTable } from "../../../table/table.js";
import type { FieldAwareness } from "../../../compute/kernels/ffm/binding.js";
import { readFmParameters } from "../../shared/factor-model/artifact.js";
import { trainedFactors } from "../../shared/factor-model/trained.js";
import { spaceInput } from "../learn.js";
import { scoreRows, startScoring } from "../../shared/factor-model/model.js";
import type { FmOptions } from "../options.js";
import { trainFm } from "../train.js";
import type { FactorStart } from "../../shared/factor-model/warm-start.js";
import type { EpochEvent } from "../../../training/epochs/epoch-loop.js";
import type { LearnerInput, Scorer, Trained } from "../../../training/session/feature-training.js";
import { layoutFile, readLayout } from "./layout.js";
import { firstPair, type FeatureRows, type StoredRows, type TrainingRows } from "../../../dataset/rows.js";

/** @throws the errors of trainFm */
export async function learnFfm(
  { train, valid, ...input }: LearnerInput<FactorStart>,
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

/** Reads the scorer of a run. @throws {ArtifactError} ffm.json does not match the table */
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

function fieldAwareness({ fields, offsets }: FeatureSpace, normalizeRows: boolean): FieldAwareness {
  return {
    numFields: fields.length,
    fieldOf: fieldOfFeatures(offsets),
    fieldHashes: Uint32Array.from(fields, ({ name }) => hashText(name).lo),
    multi: fields.map(({ kind }) => kind === "multi"),
    normalizeRows,
  };
}

/** Sorts the (feature, value) pairs of each row by field, stably; the same object if they are already sorted. */
export function inFieldOrder(rows: FeatureRows, fieldOf: Uint32Array): FeatureRows {
  const { numRows, width, indptr, values, ids } = rows;
  if (numRows === 0) return rows;
  // rows of equal width without values have one feature per field, in the order of the fields
  if (!indptr && !values) {
    if (isInOrder(ids, fieldOf, 0, width)) return rows;
    const fields = Array.from({ length: width }, (_, column) => fieldOf[ids[column]!]!);
    return { ...rows, ids: permutedIds(rows, placesBy(fields)) };
  }
  const sorted = { ids: Uint32Array.from(ids), values: values && Float32Array.from(values) };
  let changed = false;
  for (let r = 0; r < numRows; r++) {
    const [from, to] = [firstPair(rows, r), firstPair(rows, r + 1)];
    if (isInOrder(ids, fieldOf, from, to)) continue;
    changed = true;
    placesBy(Array.from(ids.subarray(from, to), (id) => fieldOf[id]!)).forEach((place, i) => {
      sorted.ids[from + i] = ids[from + place]!;
      if (sorted.values) sorted.values[from + i] = values![from + place]!;
    });
  }
  return changed ? { ...rows, ...sorted } : rows;
}

/** Sorts like inFieldOrder; rows that are not in memory are sorted when they are read or sampled. */
export function trainingInFieldOrder(train: TrainingRows, fieldOf: Uint32Array): TrainingRows {
  if (train.kind === "resident") {
    return {
      ...train,
      rows: inFieldOrder(train.rows, fieldOf),
      atEpoch: train.atEpoch && ((epoch: number) => inFieldOrder(train.atEpoch!(epoch), fieldOf)),
    };
  }
  if (train.kind === "stored") {
    const { rows } = train;
    const rowsAt: StoredRows["rowsAt"] = (first, count, epoch) =>
      inFieldOrder(rows.rowsAt(first, count, epoch), fieldOf);
    return { kind: "stored", rows: { ...rows, rowsAt } };
  }
  return {
    ...train,
    *draw(epoch) {
      for (const chunk of train.draw(epoch)) yield inFieldOrder(chunk, fieldOf);
    },
  };
}

/** Returns the order of a row's (feature, value) pairs by field; pairs of the same field keep their order. */
function placesBy(fields: readonly number[]): number[] {
  return fields.map((_, i) => i).toSorted((a, b) => fields[a]! - fields[b]!);
}

function permutedIds({ ids, numRows, width }: FeatureRows, places: readonly number[]): Uint32Array {
  const out = new Uint32Array(ids.length);
  for (let r = 0; r < numRows; r++) {
    for (let f = 0; f < width; f++) out[r * width + f] = ids[r * width + places[f]!]!;
  }
  return out;
}

function isInOrder(ids: Uint32Array, fieldOf: Uint32Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) if (fieldOf[ids[i]!]! < fieldOf[ids[i - 1]!]!) return false;
  return true;
}
