// Rows of a table that need not have all columns of a run, for `embed transform`.

import { MISSING, keysOf } from "../../log/keys.js";
import type { Column, Dataset } from "../../dataset/dataset.js";
import { withHashedKeys } from "../../dataset/hash-keys.js";
import { numericForms } from "../../dataset/numeric.js";
import { numericOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { buildDataset } from "../../dataset/build.js";
import { UsageError } from "../../errors.js";
import { keyedHashFrom } from "../../io/key-file.js";
import { secretOf } from "../reading/read-as-trained.js";
import { withLog } from "../reading/read-dataset.js";
import type { RunSpace } from "./run-space.js";
import type { TransformOptions } from "../options/transform-options.js";
import type { Watch } from "../session/watch.js";
import { keysOfRows } from "./transform-keys.js";
import type { EncodedRows } from "../../export/encoded-rows.js";
import { bindEncoder, type FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { wholeOf } from "../reading/split-parts.js";

/** Rows encoded at a time. */
const CHUNK_ROWS = 16_384;

/** Rows of a dataset as features, chunk by chunk. @param all u32: the rows; all of the dataset when absent */
export function* featureChunks(
  space: FeatureSpace,
  dataset: Dataset,
  all = wholeOf(dataset).rows,
): Generator<FeatureChunk> {
  const encoder = bindEncoder(space, dataset);
  for (let first = 0; first < all.length; first += CHUNK_ROWS) {
    const part = all.subarray(first, first + CHUNK_ROWS);
    const labels = new Float32Array(part.length);
    yield { first, part, rows: encoder.encode(part, labels), labels };
  }
}

/** Consecutive rows of those that are encoded. */
interface FeatureChunk {
  /** the place of the first one */
  first: number;
  /** u32: their numbers in the dataset */
  part: Uint32Array;
  rows: FeatureRows;
  /** f32 */
  labels: Float32Array;
}

/**
 * Rows of a dataset as `embed transform` writes them, chunk by chunk.
 *
 * @param key the column that names the rows
 * @param encode makes a chunk's values, and biases where the encoding has them
 * @param all u32: the rows; all of the dataset when absent
 */
export async function* encodedChunks(
  space: FeatureSpace,
  dataset: Dataset,
  key: string | undefined,
  encode: (rows: FeatureRows, first: number) => ChunkValues | Promise<ChunkValues>,
  all?: Uint32Array,
): AsyncGenerator<EncodedRows> {
  const keyOf = keysOfRows(dataset, key);
  for (const { first, part, rows, labels } of featureChunks(space, dataset, all))
    yield {
      numRows: part.length,
      ...(await encode(rows, first)),
      keyOf: (row) => keyOf(part[row]!),
      labels,
    };
}

type ChunkValues = Pick<EncodedRows, "values" | "biases">;

/** The table's rows with every field of the run: columns that the table lacks are missing in every row. */
export async function readTable(
  { space, preprocess }: Pick<RunSpace, "space" | "preprocess">,
  { on, reading, key, hashKeys, ...bad }: TransformOptions,
  watch: Watch,
): Promise<{ dataset: Dataset; known: string[] }> {
  const { roles } = preprocess;
  const features = [...roles.fields, ...roles.numeric, ...Object.keys(roles.multi)];
  const { dataset } = await withLog(
    on,
    {
      ...{ fields: [], numeric: [], multi: roles.multi, ignore: [], sides: [], drop: [] },
      multiWeights: roles.multiWeights,
      ...{ reading, ...bad, onBadRow: reading.onBadRow, infer: false, unlabelled: false },
    },
    watch,
    (log, tables, options, observe) => {
      const has = (name: string) => log.columns.includes(name);
      if (!features.some(has)) {
        throw new UsageError(
          `no column is a feature of the run: the run has ${features.join(", ")}, the file has ` +
            log.columns.join(", "),
        );
      }
      const fields = roles.fields.filter(has);
      const isOther = key !== undefined && !features.includes(key);
      const given = {
        ...options,
        fields: isOther ? [...fields, key] : fields,
        numeric: numericOf(preprocess).filter((name) =>
          [...numericForms([name], roles.numeric).keys()].some(has),
        ),
        multi: Object.fromEntries(Object.entries(roles.multi).filter(([name]) => has(name))),
        ...(roles.multiWeights && { multiWeights: roles.multiWeights.filter(has) }),
      };
      return buildDataset(log, tables, given, observe);
    },
  );
  const known = space.fields
    .map(({ name }) => name)
    .filter((name) => dataset.columns.some((column) => column.name === name));
  const hashed = await hashedAs(preprocess, dataset, hashKeys, on);
  const absent = space.fields.flatMap((field): Column[] =>
    known.includes(field.name) ? [] : [missingColumn(field, dataset.numRows)],
  );
  return { dataset: { ...hashed, columns: [...hashed.columns, ...absent] }, known };
}

/** Ids replaced as in training, of the columns that are there. */
async function hashedAs(
  preprocess: Preprocess,
  dataset: Dataset,
  hashKeys: string | undefined,
  on: readonly string[],
): Promise<Dataset> {
  const named = (preprocess.hashKeys?.columns ?? []).filter((name) =>
    dataset.columns.some((column) => column.name === name),
  );
  if (named.length === 0 && hashKeys === undefined) return dataset;
  await secretOf(preprocess, hashKeys, on);
  return withHashedKeys(dataset, { hash: await keyedHashFrom(hashKeys!), named, filters: [] });
}

function missingColumn({ kind, name }: RunSpace["space"]["fields"][number], numRows: number): Column {
  if (kind === "number" || kind === "bins")
    return { kind: "number", name, values: new Float64Array(numRows).fill(NaN) };
  return { kind: "key", name, codes: new Uint32Array(numRows).fill(MISSING), dictionary: keysOf([]) };
}
