import type { FurtherLog } from "../reading/open-as-trained.js";
import type { UnseenCounts } from "../../dataset/rows.js";
import type { Metrics } from "../../table/manifest.js";
import type { EncodedRows, EncodedRowFormat } from "../../export/encoded-rows.js";
import { encodingFormats, type EncodingFormat } from "../../export/encodings.js";
import { badRowsOf } from "../reading/bad-row-report.js";
import type { Watch } from "../session/watch.js";
import { hashedIds } from "./columns.js";
import { content } from "./content-options.js";
import { badRows, reading, readingOf, rowsOnExecutors } from "./reading.js";
import { threads } from "./run-options.js";
import {
  choice,
  custom,
  flag,
  list,
  number,
  pick,
  text,
  texts,
  whole,
  wholeOf,
  withCommon,
  type Given,
} from "../../options/table.js";

const group = "Options:";
const fold = "New users and items:";
const near = "New items by their nearest:";
const output = "Output:";
const MANY = Number.MAX_SAFE_INTEGER;

const distanceKinds = ["great-circle", "euclidean"] as const;
export type DistanceKind = (typeof distanceKinds)[number];

const ofNearest = { only: { nearest: true } } as const;
/** Options for writing vectors of new items cannot be combined with options of other encodings. */
const vectors = {
  not: { features: true, dense: true, halfLife: true, format: ["libsvm"] },
  why: "it writes vectors of new items",
} as const;

/** Options of `embed transform`. */
export const transformOptions = withCommon(
  {
    format: choice(encodingFormats, {
      placeholder: "format",
      help: "format of the output",
      group,
      default: "csv",
    }),
    model: text("file", {
      help: "instead of a run: model file of LightGBM (text) or XGBoost (JSON)",
      group,
      not: { features: true, foldIn: true, hashKeys: true, nearest: true, content: true },
      why: "that needs a run",
    }),
    key: text("column", {
      help: "column that identifies the output rows; by default the row number, from 1",
      group,
    }),
    foldIn: texts("log", {
      help: "log with events of users or items unknown to the run: writes their vectors; repeatable",
      group: fold,
    }),
    stream: flag({
      help: "with --fold-in -: read events grouped by user and write each user's vector when the next user begins",
      group: fold,
      only: { foldIn: true, format: ["csv", "jsonl"] },
      not: { badRows: true, field: ["item"] },
      why: "it writes vectors of users, from one pass over their events",
    }),
    field: choice(["user", "item"], {
      placeholder: "role",
      help: "write vectors of users or of items; by default of those unknown to the run, with --nearest of items",
      group: fold,
      onlyAny: { foldIn: true, nearest: true, content: true },
    }),
    l2Weight: number({
      min: 0,
      max: Number.MAX_VALUE,
      help: "with --fold-in: L2 penalty on a new key's weight; by default estimated from the known keys",
      group: fold,
      only: { foldIn: true },
    }),
    l2Vector: number({
      min: 0,
      max: Number.MAX_VALUE,
      help: "with --fold-in: L2 penalty on a new key's vector; by default estimated from the known keys",
      group: fold,
      only: { foldIn: true },
    }),
    halfLife: text("span", {
      help:
        "with --fold-in on session-based runs: half-life of an item's weight, in time before the user's latest " +
        "event, such as 7d (h, d, w)",
      group: fold,
      only: { foldIn: true },
    }),
    nearest: whole({
      min: 1,
      max: MANY,
      help: "read the log as a table of items: a new item's vector is the mean of the n nearest known items",
      group: near,
      only: { distance: true },
      not: { ...vectors.not, foldIn: true, content: true },
      why: vectors.why,
    }),
    distance: list("columns", {
      help:
        "with --nearest: columns to compute distances from, such as lat,lon (degrees, great-circle distance) " +
        "or any numbers (Euclidean)",
      group: near,
      ...ofNearest,
    }),
    distanceKind: choice(distanceKinds, {
      placeholder: "kind",
      help: "with --nearest: kind of distance, regardless of the column names",
      group: near,
      ...ofNearest,
    }),
    within: list("columns", {
      help: "with --nearest: consider only items with equal values in these columns",
      group: near,
      ...ofNearest,
    }),
    minNearest: whole({
      min: 1,
      max: MANY,
      help:
        "with --nearest: skip (and count) items with fewer known neighbors than this; by default the value " +
        "of --nearest",
      group: near,
      ...ofNearest,
    }),
    features: flag({
      help: "write the columns that the trees split on instead of leaves, with categories as numbers",
      group,
    }),
    dense: custom(
      "n",
      {
        type: "true | number",
        optional: true,
        parse: (given: string, flagName: string): number | true => wholeOf(given, flagName, 1),
        complaint: (n: number | true) =>
          n === true || (Number.isInteger(n) && n >= 1) ? undefined : "an integer of at least 1",
      },
      {
        help:
          "write leaves as dense vectors of length n (singular vectors); by default the length set by " +
          "the training's --dense",
        group,
        not: { features: true, format: ["libsvm"] },
        why: "it writes leaves as csv, jsonl, npy or parquet",
      },
    ),
    books: text("directory", {
      help: "write the semantic ids of new keys in place of vectors, by the codebooks OUT.books of embed export --codes",
      group: fold,
      not: { features: true, dense: true, format: ["libsvm"], model: true, append: true, stream: true },
      why: "it writes codes of vectors",
    }),
    withScores: {
      ...flag({ help: "", group }),
      refused:
        "is no longer an option of transform: embed predict RUN LOG writes probabilities, --raw-scores scores",
    },
    ...threads,
    ...content,
    content: { ...content.content, ...vectors },
    append: flag({
      help: "write a copy of the run with the new items added, to -o RUN",
      group: "Content:",
      only: { content: true, out: true, format: ["csv"] },
    }),
    ...pick(hashedIds, "hashKeys"),
    ...reading,
    dedupeBy: { ...reading.dedupeBy, only: { foldIn: true }, not: { dedupe: true, stream: true } },
    ...badRows,
    ...rowsOnExecutors,
    out: text("path", { help: "file to write, for npy a directory; - or no file is stdout", group: output }),
    force: flag({ help: "replace an existing output", group: output }),
  } as const,
  [
    ...(["format", "model", "key", "foldIn", "stream", "field", "halfLife", "nearest", "distance"] as const),
    ...(["within", "features", "dense", "threads", "content", "contentKey", "contentMulti"] as const),
    ...(["append", "inputFormat", "delimiter", "header", "onBadRow", "out", "force"] as const),
  ],
);

export type GivenTransform = Given<typeof transformOptions>;

/** Options that a model's `transform` receives: the user's options, except those for reading, and the log. */
export type TransformOptions = Omit<GivenTransform, keyof typeof reading | "badRows" | "maxBad"> &
  FurtherLog & { format: EncodingFormat; features: boolean; force: boolean };

/** Converts the user's options to those that a model's `transform` receives. @param on files of the log */
export function transformOf(given: GivenTransform, on: string[]): TransformOptions {
  const own = Object.entries(given).filter(([name]) => !Object.hasOwn(reading, name));
  const { format = "csv", features = false, force = false } = given;
  return {
    ...(Object.fromEntries(own) as Omit<GivenTransform, keyof typeof reading>),
    ...{ on, format, features, force, reading: readingOf(given) },
    ...badRowsOf(given),
  };
}

/** Flags of `embed transform` that only some models support. */
export type TransformFlag = "--dense" | "--features" | "--format libsvm" | "--half-life";

/** Returns the flags of TransformFlag that are set. */
export function flagsOf({
  dense,
  features,
  format,
  halfLife,
}: Pick<TransformOptions, "dense" | "features" | "format" | "halfLife">): TransformFlag[] {
  const given: Record<TransformFlag, boolean> = {
    "--dense": dense !== undefined,
    "--features": features,
    "--format libsvm": format === "libsvm",
    "--half-life": halfLife !== undefined,
  };
  return (Object.keys(given) as TransformFlag[]).filter((flag) => given[flag]);
}

/** Rows that a model encodes, such as vectors or leaves, and facts about them. */
export interface Transformed {
  encoding: EncodedRowFormat;
  rows: AsyncIterable<EncodedRows>;
  /** for each column, number of cells, and number of cells whose key has no training events */
  unknown?: Record<string, UnseenCounts>;
  warnings: string[];
  /** metrics measured during encoding, by name, such as `content` for the prediction of vectors from content */
  metrics?: Record<string, Metrics>;
}

/** Encodes rows with a model file of another program. @throws {UsageError} its format is unknown */
export type TransformForeign = (
  file: string,
  options: TransformOptions,
  watch: Watch,
) => Promise<Transformed>;
