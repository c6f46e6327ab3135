// The required structure of a manifest; manifest.ts documents the members.

import { keyCases } from "../log/keys.js";
import {
  anything,
  count,
  either,
  flag,
  list,
  number,
  object,
  orNull,
  path,
  record,
  text,
  word,
  type Shape,
} from "../base/io/json-shape.js";
import type { Manifest } from "./manifest.js";

const file = object({ bytes: count, sha256: text });
const input = object({ path, bytes: count, sha256: text }, { of: text, modified: text });
const texts = list(text);
export const vectorsAddShape = object({
  ...{ metric: text, control: text, units: text, count },
  ...{ value: number, low: number, high: number },
});
const paths = list(path);

const perField = either(number, object({ others: number, byField: record(number) }));

/** Options that are needed to read the log again or to reproduce a run; a manifest may have further options. */
const options = object(
  {},
  {
    log: paths,
    numeric: texts,
    multi: record(text),
    multiWeights: texts,
    ignore: texts,
    fields: texts,
    ids: texts,
    sides: paths,
    drop: texts,
    where: texts,
    hash: record(count),
    hashKeysOf: texts,
    timeFields: texts,
    keep: texts,
    splitKey: texts,
    side: paths,
    ...withShape(
      text,
      "user item label time weight event session timeFormat timeZone since until split group onBadRow validLike rowOrder task link loss similarity method model head entity values normalize noise arch hashKeys eventWeight halfLife candidates",
    ),
    init: path,
    window: either(number, word("session")),
    ...withShape(
      number,
      "dim epochs seed threads last negatives l2Vector l2Exponent unobservedWeight power shift",
    ),
    ...withShape(
      flag,
      "infer unlabelled normalizeRows whiten scale center exact labelIsName integersAreNumbers pairsOfFields keepState dedupe",
    ),
    ctr: texts,
    cross: list(list(text)),
    l2Field: record(number),
    matrix: word("interactions", "features", "columns", "cooccurrence"),
    ...withShape(perField, "minCount maxVocab"),
    minUsers: number,
    hidden: list(number),
    valid: either(path, number),
    test: either(path, number),
    reading: object(
      {},
      {
        header: flag,
        onBadRow: text,
        maxCell: count,
        delimiter: text,
        encoding: text,
        comment: text,
        format: text,
        nulls: texts,
        columns: texts,
        decimal: text,
        thousands: text,
        keyCase: word(...keyCases),
      },
    ),
  },
);

function withShape(shape: Shape, names: string): Record<string, Shape> {
  return Object.fromEntries(names.split(" ").map((name) => [name, shape]));
}

const columns = { fields: texts, numeric: texts, multi: record(text) };

const roles = object(
  {},
  {
    ...withShape(text, "user item label time weight event session"),
    ...columns,
    multiWeights: texts,
    leftOut: texts,
    positives: object({ label: text, from: number }),
  },
);

const metrics = record(record(either(list(orNull(number)), orNull(number), anything)));
const run = object({ path, sha256: text });

const request = object(
  { log: paths, options, inputs: list(input), runs: list(run) },
  { encoded: object({ log: paths, options }) },
);
/** A training on an encoded dataset names the dataset, and all options with which it was encoded. */
const encoded = object({
  sides: paths,
  drop: texts,
  numeric: texts,
  multi: record(text),
  ignore: texts,
  reading: object({}),
});
const onDataset = object({ log: list(path, 1), encoded: object({ options: encoded }) });
const asked: Shape = (value, at) =>
  request(value, at) ?? (Object.hasOwn(value as object, "encoded") ? onDataset(value, at) : undefined);

const manifest = object(
  {
    version: text,
    command: text,
    model: text,
    options,
    seed: number,
    inputs: list(input),
    roles,
    split: object(
      { by: text, train: count, valid: count, test: count },
      { newest: number, like: object({ target: number, reached: number, power: number }) },
    ),
    rows: count,
    metrics,
    timings: record(number),
    warnings: texts,
    files: record(file),
  },
  {
    asked,
    hashing: record(object({})),
    init: object({ run: path }, { trees: count, kept: count, fields: record(record(count)) }),
    alignment: object(
      { to: text, toTable: file, fields: record(object({})) },
      { fit: object({ value: number, least: number }) },
    ),
    added: object({
      run: text,
      field: text,
      content: count,
      blend: count,
      by: object({}),
      inputs: list(input),
    }),
    search: list(record(orNull(either(number, text)))),
    searchedBy: object(
      { metric: text, default: orNull(number) },
      { difference: object({ value: number }, { low: number, high: number }) },
    ),
    vectorsAdd: vectorsAddShape,
    normalizedEntropy: record(anything),
    dense: record(number),
    refit: object({ epochs: count, rows: count, metrics }),
    seen: object({ rows: count, heldOut: count }),
    forgotten: count,
  },
);

/** A run that was trained on a log names all columns that it was trained on; other runs may name none. */
export const manifestShape: Shape = (value, at) =>
  manifest(value, at) ??
  (Object.hasOwn((value as Manifest).options, "log")
    ? object({ roles: object(columns) })(value, at)
    : undefined);
