// Options of `embed export`. This module does not import the writers of formats; check-options.ts checks the formats
// and their options.

import { dtypes } from "../../export/dtype.js";
import { codeTypes } from "../../table/search-codes.js";
import { reserveSchemes } from "../../export/reserve.js";
import { onnxInputs } from "../../export/selection.js";
import { UsageError } from "../../base/errors.js";
import { compose, table, threads } from "../../training/shared-options/run-options.js";
import {
  choice,
  custom,
  flag,
  share,
  text,
  texts,
  whole,
  withCommon,
  type GivenTo,
  type Resolved,
} from "../../options/table.js";

const group = "Options:";
/** Restrictions of --on and --part, which select the data on which the cost of --dtype is measured. */
const measured = {
  only: { dtype: ["f16", "i8", ...codeTypes] },
  not: { normalize: true, mips: true, table: true },
  why: "the loss is measured on one log or split, by the vectors that the model scores by",
} as const;

const codesGroup = "Semantic ids:";
const ofCodes = { group: codesGroup, onlyAny: { codes: true, books: true } } as const;
/** Options of other outputs cannot be combined with those of semantic ids. */
const idsOnly = {
  not: {
    withWeight: true,
    mips: true,
    reserve: true,
    delta: true,
    dtype: true,
    wide: true,
    urlEnv: true,
    strict: true,
  },
  why: "it writes codes in place of vectors",
} as const;

const everyOption = {
  format: text("format", { help: "output format; see the list of formats below", group, required: true }),
  field: texts("field", {
    help: "export only this field; user and item refer to the columns with these roles; repeatable",
    group,
  }),
  ...table,
  withWeight: flag({ help: "also export the model's weight (bias) of each key", group, default: false }),
  strict: flag({ help: "fail if a key cannot be written exactly in this format", group, default: false }),
  ...compose,
  mips: flag({
    help: "add a dimension that holds the bias, so that dot products of user and item rank as the model does",
    group,
    default: false,
  }),
  topCount: whole({
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: "export only the n most frequent keys of each field",
    group,
  }),
  keys: text("file", {
    help: "export only the keys in this file, one per line: field:key, or the key alone with --field",
    group,
  }),
  normalize: choice(["l2"], {
    placeholder: "norm",
    help: "scale every vector to length 1; zero vectors stay zero",
    group,
  }),
  dim: whole({
    min: 1,
    max: 65_536,
    help: "rotate the vectors to the table's principal axes, and export the first n dimensions",
    group,
    not: { mips: true, onnxPart: true, part: true, on: true, reserve: true },
    why: "that needs the dimensions of the model; evaluate --dims measures what fewer keep",
  }),
  reserve: choice(reserveSchemes, {
    placeholder: "scheme",
    help:
      "reserve rows for padding (zeros) and unknown keys (trained, the mean or zeros, by model): 0 and 1 (keras), 0 and " +
      "the last (fuxictr), 1 and 0 (pytorch)",
    group,
    not: { mips: true },
    why: "unknown keys have no bias",
  }),
  delta: text("run", {
    help: "jsonl, npy: write only rows added, changed or removed since an earlier run, by row number",
    group,
    not: { topCount: true, keys: true, urlEnv: true, reserve: ["fuxictr"] },
    why: "it compares all rows of both runs, by number",
  }),
  onnxInput: choice(onnxInputs, {
    help:
      "onnx: model input: keys (strings; unknown keys map to the out-of-vocabulary row), or row numbers; " +
      "default: key",
    group,
    only: { format: ["onnx"] },
  }),
  onnxPart: choice(["network", "user", "item", "table"], {
    help:
      "onnx: part to export: the network, the user or item tower of a run that has one, or only " +
      "the table; default: table with --field or --table, else network or user",
    group,
    only: { format: ["onnx"] },
  }),
  dtype: choice([...dtypes, ...codeTypes], {
    placeholder: "type",
    help:
      "npy, npz, safetensors, arrow, parquet, faiss: element type of the vectors, i8 with one scale per " +
      "row; npy, faiss: b1 (signs), pq (product codes) and rq (residual codes) with their books; the loss of " +
      "precision is reported",
    group,
  }),
  bytes: whole({
    min: 1,
    max: 1024,
    help: "bytes of a key's code; those of pq divide the dimension",
    group,
    shown: "8",
    only: { dtype: ["pq", "rq"] },
  }),
  part: choice(["valid", "test"], {
    placeholder: "part",
    help: "with --dtype: also measure the change in AUC, RMSE or Recall@20 on this held-out split",
    group,
    ...measured,
  }),
  on: texts("log", {
    help: "with --dtype: also measure the change on this log; repeatable, several files are read as one log",
    group,
    ...measured,
    not: { ...measured.not, part: true },
  }),
  wide: flag({
    help: "parquet: one column for each dimension instead of a column of lists",
    group,
    only: { format: ["parquet"] },
  }),
  codes: whole({
    min: 2,
    max: 65_536,
    help: "csv, jsonl, parquet: write semantic ids, a code of n for each level, by residual k-means",
    ...idsOnly,
    group: codesGroup,
    only: { field: true, format: ["csv", "jsonl", "parquet"] },
  }),
  levels: whole({ min: 1, max: 16, help: "number of levels", ...ofCodes, shown: "3" }),
  whitenCodes: flag({
    help: "center the vectors and scale their principal axes to variance 1 first",
    default: false,
    ...ofCodes,
  }),
  books: text("directory", {
    help: "codebooks of an earlier export, OUT.books: keys in them keep their ids",
    ...idsOnly,
    group: codesGroup,
    only: { field: true, format: ["csv", "jsonl", "parquet"] },
  }),
  recode: flag({
    help: "give keys of the codebooks new ids by their current vectors",
    group: codesGroup,
    default: false,
    only: { books: true },
  }),
  maxChanged: share({
    min: 0,
    max: 1,
    help: "fail if more than this share of the keys of the codebooks would get other codes by their current vectors",
    group: codesGroup,
    only: { books: true },
  }),
  ...threads,
  out: text("path", { help: "file or directory to write; - or no file is stdout", group }),
  urlEnv: custom(
    "variable",
    { type: "string", parse: variableName },
    {
      help: "redis, pgvector: write to a server instead of -o; the name of the environment variable that holds its URL",
      group,
      not: { out: true },
    },
  ),
  into: custom(
    "name",
    {
      type: "string",
      parse: (given: string) => given,
      complaint: (name: string) =>
        name === "" || /\p{Cc}/u.test(name) ? "a name without control characters" : undefined,
    },
    {
      help: "redis: prefix of the keys, PREFIX:KEY; pgvector with --url-env: table or schema.table (default: embeddings)",
      group,
    },
  ),
  force: flag({
    help: "replace an existing output; rewrite rows that a server already holds",
    group,
    default: false,
  }),
} as const;

export const exportOptions = withCommon(everyOption, [
  "format",
  "field",
  "table",
  "withWeight",
  "compose",
  "topCount",
  "keys",
  "normalize",
  "dim",
  "reserve",
  "dtype",
  "bytes",
  "codes",
  "levels",
  "books",
  "out",
  "urlEnv",
  "into",
  "force",
]);

export type GivenExport = GivenTo<typeof exportOptions>;
export type ExportRunOptions = Resolved<typeof exportOptions>;

export type OnnxPart = NonNullable<GivenExport["onnxPart"]>;

/** Returns the name of a variable. @throws {UsageError} invalid; the message omits it, as it may be a password */
export function variableName(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
  throw new UsageError(
    "--url-env expects the name of an environment variable that holds the URL, such as REDIS_URL, and not the URL itself",
  );
}
