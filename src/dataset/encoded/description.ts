// dataset.json: what an encoded dataset is and what shaped it; no times of day, no durations, no number of threads.
//
//   dataset.json   this description, with the size and sha256 of the other files
//   rows.arrow     every row: a dictionary-encoded or float64 column each (rows-writer.ts)
//   values.arrow   every value of every dictionary with its count (values.ts)

import { ArtifactError, UsageError } from "../../errors.js";
import type { InputFingerprint } from "../../io/fingerprint.js";
import type { WrittenFile } from "../../io/write.js";
import type { ColumnPlan } from "../columns.js";
import type { KeyHashing, Roles } from "../dataset.js";
import type { ColumnOptions } from "../roles.js";
import type { TimeFieldOptions } from "../time-fields.js";

/** The file that tells an encoded dataset from any other directory. */
export const DATASET_MARKER = "dataset.json";
export const ROWS_FILE = "rows.arrow";
export const VALUES_FILE = "values.arrow";

const SCHEMA_VERSION = 1;

/** What the user said that a dataset holds for good. */
export interface ShapingOptions extends Omit<ColumnOptions, "infer" | "unlabelled">, TimeFieldOptions {
  /** as --side takes them */
  sides: string[];
  /** as --drop takes them */
  drop: string[];
  /** as --where takes them */
  where?: string[];
  /** how bytes became cells */
  reading: Record<string, unknown>;
}

/** A column as it is in rows.arrow. */
export type EncodedColumn = ColumnPlan & {
  /** empty cells */
  missing: number;
  /** distinct keys or whole cells; absent for numbers */
  distinct?: number;
};

export interface Description {
  schemaVersion: number;
  /** of the program that wrote it */
  version: string;
  rows: number;
  roles: Roles;
  columns: EncodedColumn[];
  inputs: InputFingerprint[];
  options: ShapingOptions;
  /** how ids were replaced before they reached the disk; absent when they stand as they are */
  hashKeys?: KeyHashing;
  /** rows that the log holds and the dataset does not, by reason */
  skipped: Record<string, number>;
  files: Record<string, WrittenFile>;
}

/** The bytes of dataset.json. */
export function descriptionText(description: Omit<Description, "schemaVersion">): string {
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...description }, undefined, 2)}\n`;
}

/**
 * @param file for messages
 * @throws {ArtifactError} no description, or of another schema version
 */
export function parseDescription(bytes: Uint8Array, file: string): Description {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw damaged(file, `no JSON: ${String(error)}`, error);
  }
  const version = isRecord(parsed) ? parsed["schemaVersion"] : undefined;
  if (version !== SCHEMA_VERSION) {
    throw new ArtifactError(
      `'${file}' has schema version ${String(version)}, this program reads ${SCHEMA_VERSION}: ` +
        "use the version of embed that wrote it, or encode the log again",
    );
  }
  if (!isDescription(parsed)) throw damaged(file, "it does not describe rows, columns and files");
  return parsed;
}

/** The error for a dataset that is not as it was written. */
export function damaged(file: string, why: string, cause?: unknown): ArtifactError {
  return new ArtifactError(`'${file}' is damaged (${why}): restore it or encode the log again`, { cause });
}

/** @throws {UsageError} a dictionary is larger than an Arrow column of text may be */
export function checkDictionaryBytes(name: string, bytes: number): void {
  if (bytes < 2 ** 31) return;
  throw new UsageError(
    `the distinct keys of '${name}' need ${bytes} bytes, more than the 2 GiB that a dataset holds of one column: leave it out with --ignore`,
  );
}

/** Checks what reading relies upon; the checksums vouch for the rest. */
function isDescription(parsed: unknown): parsed is Description {
  if (!isRecord(parsed)) return false;
  const { rows, roles, columns, inputs, options, files } = parsed;
  return (
    Number.isSafeInteger(rows) &&
    isRecord(roles) &&
    [roles["fields"], roles["numeric"], inputs].every(Array.isArray) &&
    isRecord(roles["multi"]) &&
    isRecord(options) &&
    [options["sides"], options["drop"], options["numeric"]].every(Array.isArray) &&
    Array.isArray(columns) &&
    columns.every(isColumn) &&
    isRecord(files) &&
    [ROWS_FILE, VALUES_FILE].every((name) => isFile(files[name]))
  );
}

function isColumn(column: unknown): boolean {
  if (!isRecord(column) || typeof column["name"] !== "string") return false;
  return (
    column["kind"] === "key" ||
    column["kind"] === "number" ||
    (column["kind"] === "multi" && typeof column["separator"] === "string")
  );
}

function isFile(file: unknown): boolean {
  return isRecord(file) && typeof file["bytes"] === "number" && typeof file["sha256"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
