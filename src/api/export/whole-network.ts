// Decides whether the format onnx exports a network or a table.

import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { knownModelOf, modelOf, refusal } from "../../trainers/index.js";
import type { WriteNetwork } from "../../training/capabilities/model.js";
import type { ExportRunOptions, OnnxPart } from "./options.js";

/**
 * Returns the writer of the run's network, or of one of its towers; undefined if a table is exported: for other
 * formats, for runs without a network, or if a field or a table is requested.
 *
 * @throws {UsageError} the requested part does not exist, or an option for tables is set
 */
export async function wholeNetworkOf(run: Run, options: ExportRunOptions): Promise<WriteNetwork | undefined> {
  const { format, field, table, onnxPart } = options;
  if (format !== "onnx" || onnxPart === "table") return undefined;
  if ((field !== undefined || table !== undefined) && !onnxPart) return undefined;
  const network = await networkPart(run, onnxPart);
  const { withWeight, compose, mips, topCount, keys, normalize } = options;
  const ofTable = Object.entries({
    "--field": field !== undefined,
    "--table": table !== undefined,
    "--with-weight": withWeight,
    "--compose": compose !== undefined && compose !== "none",
    "--mips": mips,
    "--top-count": topCount !== undefined,
    "--keys": keys !== undefined,
    "--normalize": normalize !== undefined,
  }).filter(([, isAsked]) => isAsked);
  if (!network || ofTable.length === 0) return network;
  throw new UsageError(
    `${ofTable.map(([flag]) => flag).join(", ")} cannot be used when exporting the network of run ` +
      `'${run.path}': omit it, or export the table (--onnx-part table)`,
  );
}

async function networkPart(
  run: Run,
  part: Exclude<OnnxPart, "table"> | undefined,
): Promise<WriteNetwork | undefined> {
  const { networks = {} } = (await modelOf(run)) ?? {};
  if (part === undefined) return networks.user ?? networks.network;
  const found = networks[part];
  if (found) return found;
  const what = part === "network" ? "a network" : "towers";
  const { lacks } = await knownModelOf(run);
  const cannot = `cannot be exported as ${what} (--onnx-part ${part})`;
  throw await refusal(run, cannot, (model) => model.networks?.[part] !== undefined, { why: lacks?.networks });
}
