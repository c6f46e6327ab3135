// Rows of a table of items or users as a factorization machine sees them: the sum over the features that each row has,
// so that an item which no event held has a vector, too.

import { bindEncoder } from "../../dataset/rows.js";
import { MISSING, type Column, type Dataset } from "../../dataset/dataset.js";
import { withHashedKeys } from "../../dataset/hash-keys.js";
import { numericForms } from "../../dataset/numeric.js";
import { numericOf, type Preprocess } from "../../dataset/preprocess.js";
import { buildDataset } from "../../dataset/build.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import type { Encoding, EncodedRows } from "../../export/encoded-rows.js";
import { keyedHashFrom } from "../../io/key-file.js";
import { dictionaryOf } from "../../log/dictionary.js";
import type { Composer } from "../../factors/composer.js";
import { composerOf, readFmModel, type FmRun } from "../learners.js";
import { wholeOf } from "../../training/parts.js";
import type { Watch } from "../../training/watch.js";
import { secretOf } from "../../training/read-as-trained.js";
import { withLog } from "../../training/read-dataset.js";
import { keysOfRows } from "../../training/transform-keys.js";
import type { Transformed, TransformOptions } from "../../training/transform-options.js";

/** Rows at a time. */
const CHUNK_ROWS = 16_384;

/** Reads the table and says how its rows are encoded; the work is done as the rows are asked for. */
export async function encodeWithFm(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  const model = await readFmModel(run);
  const composer = await composerOf(run, model);
  const { dataset, known } = await readTable(model, options, watch);
  checkSide(run, model, known);
  const names = known.map((name) => `'${name}'`).join(" + ");
  watch.observe({ stage: "note", text: `a row's vector is the sum over ${names}` });
  return {
    encoding: vectorEncoding(options.key, composer.dim, dataset.numRows),
    rows: composedRows(model, composer, dataset, options.key),
    warnings: [],
  };
}

/** @throws {UsageError} a field-aware run's rows hold columns of the item and others: they are no vector together */
function checkSide(run: Run, { preprocess: { itemFields = [] } }: FmRun, known: readonly string[]): void {
  if (run.manifest.model !== "ffm") return;
  const others = known.filter((name) => !itemFields.includes(name));
  if (others.length === 0 || others.length === known.length) return;
  throw new UsageError(
    `the rows have columns of the item (${itemFields.join(", ")}) and others (${others.join(", ")}), which a field-aware ` +
      "machine has on two sides: give one table for each",
  );
}

/** What vectors with their biases are written as. */
export function vectorEncoding(key: string | undefined, dim: number, numRows: number): Encoding {
  const columns = Array.from({ length: dim }, (_, d) => `v${d}`);
  return { kind: "vectors", key: key ?? "row", columns, starts: [], numRows, scores: [] };
}

async function* composedRows(
  { space }: FmRun,
  composer: Composer,
  dataset: Dataset,
  key: string | undefined,
): AsyncGenerator<EncodedRows> {
  const keyOf = keysOfRows(dataset, key);
  const encoder = bindEncoder(space, dataset);
  const { rows: all } = wholeOf(dataset);
  for (let first = 0; first < all.length; first += CHUNK_ROWS) {
    const part = all.subarray(first, first + CHUNK_ROWS);
    const labels = new Float32Array(part.length);
    const rows = encoder.encode(part, labels);
    yield {
      numRows: part.length,
      values: composer.vectors(rows),
      biases: composer.weights(rows),
      keyOf: (row) => keyOf(first + row),
      labels,
    };
  }
}

/** The table's rows with every field of the run: columns that the table lacks are missing in every row. */
export async function readTable(
  { space, preprocess }: Pick<FmRun, "space" | "preprocess">,
  { on, reading, key, hashKeys, ...bad }: TransformOptions,
  watch: Watch,
): Promise<{ dataset: Dataset; known: string[] }> {
  const { roles } = preprocess;
  const features = [...roles.fields, ...roles.numeric, ...Object.keys(roles.multi)];
  const { dataset } = await withLog(
    on,
    {
      ...{ fields: [], numeric: [], multi: roles.multi, ignore: [], sides: [], drop: [] },
      ...(roles.multiWeights && { multiWeights: roles.multiWeights }),
      ...{ reading, ...bad, onBadRow: reading.onBadRow, infer: false, unlabelled: false },
    },
    watch,
    (log, tables, options, observe) => {
      const has = (name: string) => log.columns.includes(name);
      if (!features.some(has)) {
        throw new UsageError(
          `no column is a feature of the run: it knows ${features.join(", ")}, and the file has ${log.columns.join(", ")}`,
        );
      }
      const fields = roles.fields.filter(has);
      const isOther = key !== undefined && !features.includes(key);
      const told = {
        ...options,
        fields: isOther ? [...fields, key] : fields,
        numeric: numericOf(preprocess).filter((name) =>
          [...numericForms([name], roles.numeric).keys()].some(has),
        ),
        multi: Object.fromEntries(Object.entries(roles.multi).filter(([name]) => has(name))),
        ...(roles.multiWeights && { multiWeights: roles.multiWeights.filter(has) }),
      };
      return buildDataset(log, tables, told, observe);
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

function missingColumn({ kind, name }: FmRun["space"]["fields"][number], numRows: number): Column {
  if (kind === "number" || kind === "bins")
    return { kind: "number", name, values: new Float64Array(numRows).fill(NaN) };
  return { kind: "key", name, codes: new Uint32Array(numRows).fill(MISSING), dictionary: dictionaryOf([]) };
}
