// The rows that `embed export` writes: composed, narrowed, with reserved rows and normalized, and what the model has beside them.

import { GBDT_MODEL, LEAVES_TABLE, readLeafPaths } from "../trainers/gbdt/artifact.js";
import { PREPROCESS_FILE, readFmModel, type FmRun } from "../trainers/learners.js";
import type { ExportFormat } from "../export/formats.js";
import { normalized, numZeroVectors, rowsNamed, topRows } from "../export/narrow.js";
import { withReserved, type OutOfVocabulary } from "../export/reserve.js";
import { keyBytes, type ModelFacts, type RowTexts } from "../export/selection.js";
import { rowsOf, type EmbeddingTable } from "../embedding/table.js";
import { NoInputError, UsageError } from "../errors.js";
import { readText } from "../io/read-text.js";
import { composeItems, withMips } from "./compose.js";
import type { ExportRunOptions } from "./export-options.js";
import type { OpenTable } from "./tables.js";

/** Composed, narrowed, normalized, with reserved rows: each where asked for. */
export async function tableToWrite(
  opened: OpenTable,
  format: ExportFormat,
  field: string | undefined,
  { compose, mips, topCount, keys, normalize, reserve }: Omit<ExportRunOptions, "delta">,
  tell: (note: string) => void = () => undefined,
): Promise<EmbeddingTable> {
  const composed = await composeItems(opened, format.isOfModel ? "none" : compose);
  if (composed.note && (field === undefined || field === composed.item)) tell(composed.note);
  let table = mips ? await withMips(opened, composed) : composed.table;
  if (keys !== undefined) {
    const named = rowsNamed(table, await linesOf(keys), field);
    table = named.table;
    if (named.missing > 0) tell(`${named.missing} of the keys of '${keys}' have no row in the table`);
  }
  if (topCount !== undefined) table = topRows(table, topCount);
  if (reserve) table = withReserved(table, reserve, await unknownKeysOf(opened, table, format, tell));
  if (normalize) table = normalized(table);
  const numZero = numZeroVectors(table);
  if (numZero > 0 && !format.isOfModel)
    tell(
      `${numZero} rows are vectors of zeros, whose cosine with others is not defined; they stand as they are`,
    );
  return table;
}

/** The lines of a file but for empty ones. @throws {NoInputError} it cannot be read */
async function linesOf(path: string): Promise<string[]> {
  const text = await readText(path).catch((error: unknown) => {
    throw new NoInputError(`the file of keys '${path}' cannot be read`, { cause: error });
  });
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/**
 * What stands for unknown keys: what training made of them, and zeros of models that have nothing for them.
 *
 * @throws {ArtifactError} there is nothing, and the format could do without
 */
async function unknownKeysOf(
  { run }: OpenTable,
  table: EmbeddingTable,
  format: ExportFormat,
  tell: (note: string) => void,
): Promise<OutOfVocabulary> {
  const { model } = run.manifest;
  if (!format.findsUnknown || FACTORIZATION_MACHINES.includes(model))
    return unknownKeys(await readFmModel(run));
  tell(`a model '${model}' has no vector for unknown keys: they find zeros`);
  const { dim, fields, keys } = table;
  const hasKeys = fields.map((field) => {
    const { first, last } = rowsOf(table, field);
    return keys.offsets[last]! > keys.offsets[first]!;
  });
  return {
    weights: new Float32Array(fields.length),
    vectors: new Float32Array(fields.length * dim),
    hasKeys,
  };
}

/** Models whose runs keep out-of-vocabulary features. */
const FACTORIZATION_MACHINES: readonly string[] = ["fm", "lr", "fm-draws", "ffm"];

/** Weight and vector of each field's out-of-vocabulary feature. */
function unknownKeys({ space, parameters: { dim, w, vectors: of } }: FmRun): OutOfVocabulary {
  const numFields = space.fields.length;
  const unknown = { weights: new Float32Array(numFields), vectors: new Float32Array(numFields * dim) };
  space.fields.forEach(({ kind }, f) => {
    if (kind === "number") return;
    const feature = space.offsets[f]!;
    unknown.weights[f] = w[feature]!;
    unknown.vectors.set(of.subarray(feature * dim, (feature + 1) * dim), f * dim);
  });
  // a linear model's table has its weights in the vectors' place
  const vectors = dim === 0 ? unknown.weights : unknown.vectors;
  return { ...unknown, vectors, hasKeys: space.fields.map(({ kind }) => kind !== "number") };
}

/** What format fnn needs besides the table. @throws {UsageError} the run is of another model */
export async function modelFacts({ run }: OpenTable): Promise<ModelFacts> {
  const { model } = run.manifest;
  if (!["fm", "lr", "fm-draws"].includes(model))
    throw new UsageError(
      `run '${run.path}' holds a model '${model}', and format fnn takes w0, weights and vectors of a factorization machine`,
    );
  const { parameters } = await readFmModel(run);
  return { w0: parameters.w0, dim: parameters.dim };
}

/** The ways to a run's leaves in words, where these are the rows. @param table what is written @param name of the table, as told */
export async function textsOf(
  { run }: OpenTable,
  table: EmbeddingTable,
  name: string | undefined,
): Promise<RowTexts | undefined> {
  const isOfLeaves = name === LEAVES_TABLE || (name === undefined && run.tables.length === 1);
  if (run.manifest.model !== GBDT_MODEL || !isOfLeaves) return undefined;
  const paths = await readLeafPaths(run);
  return { name: "path", of: (row) => paths.get(Buffer.from(keyBytes(table, row)).toString("utf8")) ?? "" };
}

/** How a raw cell becomes a key, as training fitted it: the file goes with formats of several files. */
export async function preprocessOf({ run }: OpenTable): Promise<Uint8Array | undefined> {
  const isThere = Object.hasOwn(run.manifest.files, `model/${PREPROCESS_FILE}`);
  return isThere ? await run.readModelFile(PREPROCESS_FILE) : undefined;
}
