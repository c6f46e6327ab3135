// What `transform` is asked to do, and what a model gives it to write.

import {
  encodingFormats,
  type EncodedRows,
  type Encoding,
  type EncodingFormat,
} from "../export/encodings.js";
import type { ReadLike } from "./gbdt-run.js";

export const transformFormats: readonly EncodingFormat[] = encodingFormats;

export interface TransformOptions extends ReadLike {
  format: EncodingFormat;
  /** a column whose cells name the rows; their numbers from 1 when absent */
  key?: string;
  /** the trees' columns instead of leaves */
  features: boolean;
  /** the model's score of each row, too */
  withScores: boolean;
  /** a path; undefined or `-` for `write` */
  out?: string;
  force: boolean;
}

/** What a model makes of rows, as they are asked for. */
export interface Transformed {
  encoding: Encoding;
  rows: AsyncIterable<EncodedRows>;
  warnings: string[];
}
