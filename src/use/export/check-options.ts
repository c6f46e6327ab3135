import type { ExportFormat } from "../../export/format.js";
import { deltaFormats } from "../../export/delta.js";
import { exportFormats } from "../../export/formats.js";
import { isCodeType } from "../../table/search-codes.js";
import { UsageError } from "../../base/errors.js";
import { checkGiven } from "../../options/check-given.js";
import { exportOptions, type GivenExport } from "./options.js";

/** @throws {UsageError} options exclude each other */
export function checkTogether(format: ExportFormat, options: GivenExport): void {
  checkGiven(exportOptions, options);
  const { field, reserve, compose, mips, normalize, delta, dim, format: name } = options;
  if (format.isOfModel) {
    if (compose === "item")
      throw new UsageError(
        `format ${name} has one tensor per field, which the network sums itself: omit --compose item`,
      );
    const changed = Object.entries({ "--mips": mips, "--normalize": normalize, "--dim": dim }).filter(
      ([, on]) => on,
    );
    if (changed.length > 0)
      throw new UsageError(
        `format ${name} holds the trained parameters unchanged: omit ` +
          changed.map(([flag]) => flag).join(" and "),
      );
  }
  if (delta !== undefined) {
    const isKnown = (deltaFormats as readonly string[]).includes(name);
    if (!isKnown) throw new UsageError(`--delta needs format ${deltaFormats.join(" or ")}, got ${name}`);
  }
  checkServer(format, options);
  const { onnxInput, dtype = "f32" } = options;
  const isCode = isCodeType(dtype);
  if (isCode && field?.length !== 1)
    throw new UsageError(`--dtype ${dtype} needs one field, to which its books are fitted: --field item`);
  if (isCode && format.takesDtype && !format.takesCodes)
    throw new UsageError(`--dtype ${dtype} needs format npy or faiss, got ${name}`);
  if (isCode && reserve) throw new UsageError(`--reserve has rows without codes: omit --dtype ${dtype}`);
  if (dtype !== "f32" && !format.takesDtype)
    throw new UsageError(
      `--dtype ${dtype} needs format ` +
        `${[...exportFormats]
          .filter(([, { takesDtype }]) => takesDtype)
          .map(([other]) => other)
          .join(", ")}; ` +
        `${name} supports only f32`,
    );
  if (dtype !== "f32" && delta !== undefined)
    throw new UsageError(`--delta writes f32: omit --dtype ${dtype}`);
  if (format.findsUnknown && onnxInput !== "row" && mips)
    throw new UsageError(
      `format ${name} has a row for unknown keys, which have no bias for --mips: use --onnx-input row`,
    );
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
  if (reserve && format.oneKeyColumn && !(field?.length === 1 || (field && format.layers)))
    throw new UsageError(
      `--reserve with format ${name} needs ` +
        (format.layers ? "fields: name each with --field" : "one field: name it with --field"),
    );
}

function checkServer(format: ExportFormat, { format: name, urlEnv, into }: GivenExport): void {
  if (format.needsPrefix && into === undefined)
    throw new UsageError(
      `format ${name} needs a key prefix: set --into PREFIX, such as --into items for items:KEY`,
    );
  if (urlEnv === undefined) {
    if (into !== undefined && !format.needsPrefix)
      throw new UsageError("--into needs a server: set --url-env VARIABLE, or omit --into");
    return;
  }
  const servers = [...exportFormats].filter(([, { send }]) => send).map(([other]) => other);
  if (!format.send)
    throw new UsageError(`--url-env needs a server format (${servers.join(", ")}), got ${name}`);
}
