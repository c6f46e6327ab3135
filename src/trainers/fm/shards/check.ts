// Whether a training can be done on executors: its options, and the server.

import { flagOf, UsageError } from "../../../errors.js";
import { withEngine } from "../../../training/session/with-engine.js";
import type { GivenFm } from "../options.js";

/** Options that need what executors do not do, by the reason. */
const REFUSED: Partial<Record<keyof GivenFm, string>> = {
  init: "shards start from new vectors",
  expire: "shards start from new vectors",
  freeze: "shards start from new vectors",
  keepState: "the optimizer state of an average is not that of a training",
  negatives: "negatives are drawn anew for each epoch",
  oovDropout: "hidden keys are drawn anew for each epoch",
  l2Field: "shards have one penalty for all fields",
  refit: "the rows would be sent to the server twice",
  search: "each setting would send the rows to the server again",
  checkpointEvery: "checkpoints of shards are not supported",
  resume: "checkpoints of shards are not supported",
};

/**
 * Checks the options, and then that the server can run the program, before the log is read.
 *
 * @throws {UsageError} an option that only local training has, or a server without SELECT TRANSFORM or Node
 * @throws {EmbedError} as withEngine
 */
export async function checkSharded(given: GivenFm): Promise<void> {
  const { model = "fm", method = "adagrad", shards } = given;
  if (model !== "fm" || method !== "adagrad")
    throw new UsageError(
      `--engine-train trains --model fm with --method adagrad, got --model ${model} with --method ${method}: omit ` +
        "--engine-train to train on this machine",
    );
  for (const [name, reason] of Object.entries(REFUSED)) {
    const value = given[name as keyof GivenFm];
    if (value === undefined || value === false || value === 0) continue;
    throw new UsageError(
      `${flagOf(name)} cannot be combined with --engine-train: ${reason}; omit --engine-train to train on this machine`,
    );
  }
  if (shards === undefined)
    throw new UsageError(
      "--engine-train needs --shards N, such as --shards 2: each shard is trained on by one core of the cluster, and " +
        "quality falls as their number grows",
    );
  const { checkPrograms } = await import("../../../engine/program.js");
  await withEngine(given, { signal: new AbortController().signal }, ({ session }) => checkPrograms(session));
}
