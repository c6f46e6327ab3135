// What `transform` is asked to do, and what a model gives it to write.

import type { Metrics } from "../../embedding/manifest.js";
import type { EncodedRows, Encoding } from "../../export/encoded-rows.js";
import { encodingFormats, type EncodingFormat } from "../../export/encodings.js";
import type { ContentOptions } from "./content-options.js";
import type { ReadLike } from "../reading/read-as-trained.js";
import type { Watch } from "../session/watch.js";

export const transformFormats: readonly EncodingFormat[] = encodingFormats;

export interface TransformOptions extends ReadLike, ContentOptions {
  format: EncodingFormat;
  /** a model file of LightGBM or XGBoost, in place of a run */
  model?: string;
  /** a column whose cells name the rows; their numbers from 1 when absent */
  key?: string;
  /** the trees' columns instead of leaves */
  features: boolean;
  /** leaves reduced to so many numbers; true: to as many as the run keeps */
  dense?: number | true;
  /** events of users or items that the run does not know, instead of rows */
  foldIn?: string[];
  /** a key's rows come together: its vector is written as soon as another's begin */
  stream?: true;
  /** whose vectors are folded in; what the run does not know when absent */
  field?: "user" | "item";
  /** L2 of the folding in; as the field's known keys have it when absent */
  l2Weight?: number;
  l2Vector?: number;
  /** an item of a user counts half as much for each such span between its latest event and the user's: `7d` */
  halfLife?: string;
  /** new items are the mean of so many known ones, the nearest by `distance` */
  nearest?: number;
  /** columns of numbers that say where items are */
  distance?: string[];
  /** what they are; as their names say when absent */
  distanceKind?: DistanceKind;
  /** columns in which an item and its nearest have the same cells */
  within?: string[];
  /** items with fewer known ones are left out; as many as `nearest` when absent */
  minNearest?: number;
  /** new items go into a copy of the run, `out`, in place of a table of vectors */
  append?: boolean;
  /** a path; undefined or `-` for `write` */
  out?: string;
  force: boolean;
}

/** Along the ground by latitude and longitude in degrees, or in the space of any numbers. */
export const distanceKinds = ["great-circle", "euclidean"] as const;
export type DistanceKind = (typeof distanceKinds)[number];

/** What not every model can be asked for. */
export type TransformFlag = "--dense" | "--features" | "--format libsvm" | "--half-life";

/** The flags that are given. */
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

/** What a model makes of rows, as they are asked for. */
export interface Transformed {
  encoding: Encoding;
  rows: AsyncIterable<EncodedRows>;
  warnings: string[];
  /** what it was evaluated by on the way, by what is evaluated */
  metrics?: Record<string, Metrics>;
}

/** Encodes rows by a model file of other programs. @throws {UsageError} the file holds none that is known */
export type TransformForeign = (
  file: string,
  options: TransformOptions,
  watch: Watch,
) => Promise<Transformed>;
