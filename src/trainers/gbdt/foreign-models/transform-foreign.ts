// Rows of a log as leaves of trees that LightGBM or XGBoost trained: `embed transform --model FILE LOG`.
//
// The model's feature names are the log's columns, and the model says which are categorical.

import { MISSING, keysOf, keyAt } from "../../../log/keys.js";
import { buildDataset } from "../../../dataset/build.js";
import type { Column, Dataset, KeyColumn } from "../../../dataset/dataset.js";
import { isEncodedDataset } from "../../../dataset/encoded/read.js";
import { DataError, excerpt, nearestName, UsageError } from "../../../errors.js";
import { openSource } from "../../../io/source.js";
import { readForeignModel, vocabulariesOfForeign } from "./foreign.js";
import type { Categories, ForeignModel } from "./foreign-model.js";
import type { Vocabularies } from "../forest/scorer.js";
import { unknownCategories } from "../unknown.js";
import { silently } from "../../../training/reading/split-parts.js";
import type { FurtherLog } from "../../../training/reading/open-as-trained.js";
import type { Watch } from "../../../training/session/watch.js";
import { withLog } from "../../../training/reading/read-dataset.js";
import { leavesOf } from "../transform.js";
import type { Transformed, TransformOptions } from "../../../training/options/transform-options.js";

/** Reads model and log, and says how its rows are encoded; the work is done as the rows are asked for. */
export async function encodeWithForeign(
  file: string,
  options: TransformOptions,
  watch: Watch,
): Promise<Transformed> {
  if (options.dense === true)
    throw new UsageError("--dense needs a number with --model, because the model file has no leaf vectors");
  const { model, vocabularies, named, read } = await openForeign(file);
  const { dataset, keyed } = await read(options, options.key, watch);
  const warnings = unknownCategories(dataset, named);
  for (const text of warnings) watch.observe({ stage: "warning", text });
  return { ...leavesOf({ forest: model.sums, vocabularies }, dataset, options, watch, keyed), warnings };
}

/** A model file, and what reads logs for it. @throws as readForeignModel */
export async function openForeign(file: string): Promise<{
  model: ForeignModel;
  vocabularies: Vocabularies;
  /** those whose categories have names that could be unknown: a code that no node lists has none */
  named: Vocabularies;
  /** @returns the dataset as the trees take it, and as the log names its rows by `key` */
  read: (
    log: FurtherLog,
    key: string | undefined,
    watch: Watch,
  ) => Promise<{ dataset: Dataset; keyed: Dataset }>;
}> {
  const model = readForeignModel(await textOf(file), file);
  const vocabularies = vocabulariesOfForeign(model);
  const isNamed = (name: string) => model.categories.get(name)!.cells !== "code";
  return {
    model,
    vocabularies,
    named: new Map([...vocabularies].filter(([name]) => isNamed(name))),
    async read(log, key, watch) {
      const keyed = await readColumns(model, file, log, key, watch);
      const columns = keyed.columns.map((column) => canonical(column, model, log.on));
      return { dataset: { ...keyed, columns }, keyed };
    },
  };
}

async function textOf(path: string): Promise<string> {
  const source = await openSource(path);
  const pieces: Buffer[] = [];
  try {
    for await (const piece of source.pieces()) pieces.push(Buffer.from(piece));
  } finally {
    await source.close();
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** The log's columns under the model's names; a key column beside them under its own. */
async function readColumns(
  { sums, categories }: ForeignModel,
  file: string,
  { on, reading, maxBad, badRows, onRead, beside }: FurtherLog,
  key: string | undefined,
  watch: Watch,
): Promise<Dataset> {
  if (await isEncodedDataset(on[0]!))
    throw new UsageError(`--model needs a log, but '${on[0]}' is an encoded dataset`);
  const given = {
    ...{ numeric: [], multi: {}, ignore: [], infer: false, unlabelled: false, drop: [], sides: [] },
    onBadRow: reading.onBadRow,
    reading,
    maxBad,
    badRows,
    onRead,
    beside,
  };
  let modelName = (name: string) => name;
  const { dataset } = await withLog(on, given, silently(watch), (log, tables, build, observe) => {
    const columnOf = new Map(sums.columns.map(({ name }) => [name, columnFor(name, log.columns, file)]));
    const nameOf = new Map([...columnOf].map(([name, column]) => [column, name]));
    modelName = (column) => nameOf.get(column) ?? column;
    const columns = sums.columns.map(({ name }) => ({ column: columnOf.get(name)!, name }));
    const fields = columns.filter(({ name }) => categories.has(name)).map(({ column }) => column);
    const numeric = columns.filter(({ name }) => !categories.has(name)).map(({ column }) => column);
    if (key !== undefined && !nameOf.has(key)) fields.push(key);
    return buildDataset(log, tables, { ...build, fields, numeric }, observe);
  });
  return {
    ...dataset,
    columns: dataset.columns.map((column) => ({ ...column, name: modelName(column.name) })),
  };
}

/** The log's column of a feature; LightGBM writes white space in names as _. @throws {UsageError} it has none */
function columnFor(name: string, columns: readonly string[], file: string): string {
  const plain = (column: string) => column.replaceAll(/\s/g, "_");
  const found = columns.includes(name) ? name : columns.find((column) => plain(column) === name);
  if (found !== undefined) return found;
  const near = nearestName(name, columns);
  const hint = near === undefined ? `its columns are ${columns.join(", ")}` : `did you mean '${near}'?`;
  throw new UsageError(`the model '${file}' needs column '${name}', which is not in the log: ${hint}`);
}

/** A categorical column whose numbers are written in one way. */
function canonical(column: Column, { categories }: ForeignModel, on: readonly string[]): Column {
  const own = categories.get(column.name);
  return own && own.cells !== "text" && column.kind === "key"
    ? withNumbers(column, own, on.join(", "))
    : column;
}

function withNumbers({ dictionary, codes, name }: KeyColumn, { cells }: Categories, file: string): KeyColumn {
  const texts = Array.from({ length: dictionary.size }, (_, code) => {
    const text = keyAt(dictionary, code);
    const x = text.trim() === "" ? NaN : Number(text);
    if (Number.isNaN(x))
      throw new DataError(`${excerpt(text)} is not a number, but the model's categories are numbers`, {
        file,
        column: name,
      });
    return String(cells === "code" ? Math.trunc(x) : x);
  });
  const keys = [...new Set(texts)];
  const position = new Map(keys.map((key, at) => [key, at]));
  const canonicalOf = texts.map((text) => position.get(text)!);
  return {
    kind: "key",
    name,
    codes: codes.map((code) => (code === MISSING ? MISSING : canonicalOf[code]!)),
    dictionary: keysOf(keys),
  };
}
