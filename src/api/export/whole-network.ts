// Whether a run of a network is exported whole, for format onnx.

import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { NET_MODEL } from "../../trainers/net/model.js";
import type { ExportRunOptions } from "./options.js";

/**
 * Whether the run goes as a whole network: one of train-net does unless a field or its table is asked for.
 *
 * @throws {UsageError} the network is asked for where there is none, or with options of a table
 */
export function isWholeNetwork(run: Run, options: ExportRunOptions): boolean {
  const { format, field, onnxPart } = options;
  if (format !== "onnx" || onnxPart === "table") return false;
  const { model } = run.manifest;
  if (model !== NET_MODEL) {
    if (!onnxPart) return false;
    throw new UsageError(
      `--onnx-part network: run '${run.path}' holds a model '${model}', and no network (train-net)`,
    );
  }
  if (field !== undefined && !onnxPart) return false;
  const { withWeight, compose, mips, topCount, keys, normalize } = options;
  const ofTable = Object.entries({
    "--field": field !== undefined,
    "--with-weight": withWeight,
    "--compose": compose !== undefined && compose !== "none",
    "--mips": mips,
    "--top-count": topCount !== undefined,
    "--keys": keys !== undefined,
    "--normalize": normalize !== undefined,
  }).filter(([, isAsked]) => isAsked);
  if (ofTable.length === 0) return true;
  throw new UsageError(
    `format onnx of run '${run.path}' is its whole network, which ${ofTable.map(([flag]) => flag).join(", ")} would change: ` +
      "leave that out, or take the table alone (--onnx-part table)",
  );
}
