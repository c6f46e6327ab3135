// Whether a run is exported as a whole network, for format onnx.

import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { capable, modelOf } from "../../trainers/index.js";
import type { Capabilities } from "../../training/model.js";
import type { ExportRunOptions } from "./options.js";

/**
 * What writes the run as a whole network, as format onnx does unless a field or its table is asked for; undefined where its table
 * is written.
 *
 * @throws {UsageError} the network is asked for where there is none, or with options of a table
 */
export async function wholeNetworkOf(
  run: Run,
  options: ExportRunOptions,
): Promise<Capabilities["network"] | undefined> {
  const { format, field, onnxPart } = options;
  if (format !== "onnx" || onnxPart === "table") return undefined;
  const network = onnxPart
    ? await capable(run, "network", "cannot be exported as a network (--onnx-part network)")
    : (await modelOf(run))?.network;
  if (field !== undefined && !onnxPart) return undefined;
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
  if (!network || ofTable.length === 0) return network;
  throw new UsageError(
    `format onnx of run '${run.path}' is its whole network, which ${ofTable.map(([flag]) => flag).join(", ")} would change: ` +
      "leave that out, or take the table alone (--onnx-part table)",
  );
}
