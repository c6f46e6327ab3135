// What `embed export` may be given, and what of it goes together.

import { deltaFormats } from "../../export/delta.js";
import type { ExportFormat } from "../../export/format.js";
import { exportFormats } from "../../export/formats.js";
import type { Dtype } from "../../export/dtype.js";
import type { OnnxInput } from "../../export/selection.js";
import type { ReserveScheme } from "../../export/reserve.js";
import { UsageError } from "../../errors.js";
import type { Compose } from "../compose.js";
import { checkVariableName, type OnnxPart } from "./choices.js";

export interface ExportRunOptions {
  format: string;
  table?: string;
  field?: string;
  withWeight: boolean;
  strict: boolean;
  /** what an item's vector is; by default all that goes with it */
  compose?: Compose;
  /** a further dimension, so that a dot product ranks as the model does */
  mips?: boolean;
  /** of each field only the rows of most events */
  topCount?: number;
  /** a file of the keys whose rows are written, one a line */
  keys?: string;
  /** every vector's length becomes 1 */
  normalize?: "l2";
  /** rows for padding and unknown keys */
  reserve?: ReserveScheme;
  /** parquet: a column a dimension in place of lists */
  wide?: boolean;
  /** elements of vectors, f32 by default */
  dtype?: Dtype;
  /** with a dtype of fewer bits: a log on which its cost is measured, or what the training held out */
  on?: string[];
  part?: "valid" | "test";
  /** onnx: what finds a row, its key by default */
  onnxInput?: OnnxInput;
  /** onnx, of a run that holds a network or two towers: that network or a tower, as without `field` and `table`, or the table alone */
  onnxPart?: OnnxPart;
  /** an earlier run: only what changed since */
  delta?: string;
  /** a path; undefined or `-` for `write` */
  out?: string;
  /** in place of it: the environment variable that holds the URL of a server to write to */
  urlEnv?: string;
  /** what the rows are called there: a prefix of keys, without which redis writes none; a table, `embeddings` by default */
  into?: string;
  force: boolean;
}

/** @throws {UsageError} options that do not go together */
export function checkTogether(format: ExportFormat, options: ExportRunOptions): void {
  const { field, reserve, compose, mips, normalize, wide, delta, topCount, keys, format: name } = options;
  if (format.isOfModel) {
    if (compose === "item")
      throw new UsageError(
        `format ${name} has one tensor per field, which the network sums itself: omit --compose item`,
      );
    const changed = Object.entries({ "--mips": mips, "--normalize": normalize }).filter(([, on]) => on);
    if (changed.length > 0)
      throw new UsageError(
        `format ${name} holds the trained parameters unchanged: omit ` +
          changed.map(([flag]) => flag).join(" and "),
      );
  }
  if (delta !== undefined) {
    const isKnown = (deltaFormats as readonly string[]).includes(name);
    if (!isKnown) throw new UsageError(`--delta needs format ${deltaFormats.join(" or ")}, got ${name}`);
    if (topCount !== undefined || keys !== undefined)
      throw new UsageError("--delta cannot be combined with --top-count or --keys");
    if (reserve === "fuxictr")
      throw new UsageError(
        "--delta cannot be combined with --reserve fuxictr, whose last row moves as keys are added",
      );
  }
  checkServer(format, options);
  if (wide && name !== "parquet") throw new UsageError(`--wide needs format parquet, got ${name}`);
  const { onnxInput, onnxPart, dtype = "f32" } = options;
  if (dtype !== "f32" && !format.takesDtype)
    throw new UsageError(
      `--dtype ${dtype} needs format ` +
        `${[...exportFormats]
          .filter(([, { takesDtype }]) => takesDtype)
          .map(([other]) => other)
          .join(", ")}; ` +
        `${name} supports only f32`,
    );
  checkEvaluated(options);
  if (dtype !== "f32" && delta !== undefined)
    throw new UsageError(`--delta writes f32: omit --dtype ${dtype}`);
  if (onnxInput && name !== "onnx") throw new UsageError(`--onnx-input needs format onnx, got ${name}`);
  if (onnxPart && name !== "onnx") throw new UsageError(`--onnx-part needs format onnx, got ${name}`);
  if (format.findsUnknown && onnxInput !== "row" && mips)
    throw new UsageError(
      `format ${name} has a row for unknown keys, which have no bias for --mips: use --onnx-input row`,
    );
  if (reserve && mips)
    throw new UsageError("--reserve and --mips cannot be combined: unknown keys have no bias");
  if (reserve && delta === undefined && !format.keepsRows && format.namesReserved !== reserve)
    throw new UsageError(
      `--reserve ${reserve} needs a format that addresses rows by number ` +
        `(${[...exportFormats]
          .filter(([, { keepsRows }]) => keepsRows)
          .map(([other]) => other)
          .join(", ")}), ` +
        `but ${name} addresses rows by key` +
        (format.namesReserved ? `: use --reserve ${format.namesReserved}` : ""),
    );
  if (reserve && format.oneKeyColumn && field === undefined)
    throw new UsageError(`--reserve with format ${name} needs one field: name it with --field`);
  if (topCount !== undefined && !(Number.isInteger(topCount) && topCount >= 1))
    throw new UsageError(`--top-count must be an integer of at least 1, got ${topCount}`);
}

/** @throws {UsageError} the cost of --dtype is asked for where it cannot be determined */
function checkEvaluated({ on, part, dtype = "f32", normalize, mips, table }: ExportRunOptions): void {
  if (on === undefined && part === undefined) return;
  if (on && part) throw new UsageError("--on and --part cannot be combined");
  const flag = on ? "--on" : "--part";
  if (dtype === "f32") throw new UsageError(`${flag} needs --dtype f16 or i8`);
  const changed = Object.entries({ "--normalize": normalize, "--mips": mips, "--table": table });
  const given = changed.filter(([, value]) => value !== undefined && value !== false).map(([name]) => name);
  if (given.length > 0)
    throw new UsageError(
      `${flag} evaluates the vectors that the model scores by, but ${given.join(" and ")} ` +
        `${given.length > 1 ? "write" : "writes"} others: omit ${flag}`,
    );
}

/** @throws {UsageError} where the rows go is said twice, or not at all; keys of a server without a prefix */
function checkServer(
  format: ExportFormat,
  { format: name, urlEnv, into, out, delta }: ExportRunOptions,
): void {
  if (into !== undefined && (into === "" || /\p{Cc}/u.test(into)))
    throw new UsageError("--into expects a name without control characters");
  if (format.needsPrefix && into === undefined)
    throw new UsageError(
      `format ${name} needs a key prefix: set --into PREFIX, such as --into items for items:KEY`,
    );
  if (urlEnv === undefined) {
    if (into !== undefined && !format.needsPrefix)
      throw new UsageError("--into needs a server: set --url-env VARIABLE, or omit --into");
    return;
  }
  checkVariableName(urlEnv);
  const servers = [...exportFormats].filter(([, { send }]) => send).map(([other]) => other);
  if (!format.send)
    throw new UsageError(`--url-env needs a server format (${servers.join(", ")}), got ${name}`);
  if (out !== undefined) throw new UsageError("--url-env and -o cannot be combined");
  if (delta !== undefined) throw new UsageError("--delta and --url-env cannot be combined");
}
