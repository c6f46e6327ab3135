// --engine-train: the factorization machine trained on a Spark server's executors, a shard of the rows each, and averaged after
// each epoch. Experimental. Equations and what it costs: docs/engines.md.
//
//   rows ──► shards by user ──► sent once ──► an epoch: parameters there, trained, back, averaged ──► validation here ──► ...

import { fileURLToPath } from "node:url";
import { featureHashes } from "../../../dataset/vocabulary/vocabulary.js";
import { countText, UsageError, flagOf } from "../../../errors.js";
import { readText } from "../../../io/read-text.js";
import type { EpochEvent } from "../../../training/epochs/epoch-loop.js";
import type { FactorStart } from "../../../factors/warm-start.js";
import { weightOf } from "../../../numeric/indices.js";
import type { LearnerInput, Trained } from "../../../training/session/feature-training.js";
import { withEngine } from "../../../training/session/with-engine.js";
import { learnFm } from "../learn.js";
import type { FmOptions, GivenFm } from "../options.js";
import { cutRows, shardAt, type UserFeatures } from "./partition-rows.js";
import { shardedPasses, type SentShard } from "./passes.js";
import { rowsFrame } from "./program.js";

/** The program with all that it imports, as the build writes it. */
const BUNDLE = new URL("./program.bundle.js", import.meta.url);

/**
 * Trains on the server that --engine names.
 *
 * @throws {UsageError} rows are not the same in each epoch
 * @throws {IoError} the server returns something else than it was asked for @throws {EmbedError} as withEngine and trainFm
 */
export async function learnOnShards(
  given: GivenFm,
  input: LearnerInput<FactorStart>,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<Trained> {
  const { space, train, doing, note } = input;
  if (train.kind !== "resident" || train.atEpoch)
    throw new UsageError("--engine-train needs rows that fit the memory and are the same in each epoch");
  const { ShardProgram } = await import("../../../engine/program.js");
  // an interruption that keeps the best epoch ends what runs there, too
  const stopped = new AbortController();
  const forward = () => stopped.abort(signal.reason);
  signal.addEventListener("abort", forward);
  if (signal.aborted) forward();
  try {
    return await withEngine(given, { doing, signal: stopped.signal }, async ({ session }) => {
      const users = usersOf(input);
      const orders = cutRows(train.rows, options.shards!, featureHashes(space), users);
      note?.(shardsNote(orders, users && input.roles.user));
      doing?.(`sending the rows to ${session.shown}`);
      const shards: SentShard[] = [];
      const rowsOf = (s: number): Uint8Array => {
        const { rows, ...shard } = shardAt(train.rows, orders[s]!, space.numFeatures);
        shards[s] = { ...shard, numRows: rows.numRows, weight: weightOf(rows) };
        return rowsFrame(rows);
      };
      const program = await readText(fileURLToPath(BUNDLE));
      const executors = await ShardProgram.start(session, program, orders.length, rowsOf);
      doing?.(`training on ${orders.length} shards on ${session.shown}`);
      const elsewhere = shardedPasses(
        shards,
        {
          shown: executors.shown,
          run: (messages) => executors.run(messages),
          stop: () => stopped.abort(new Error("the training was ended")),
        },
        options,
        space.numFeatures,
      );
      const trained = await learnFm(input, options, observe, signal, elsewhere);
      const { shown: address, version } = session;
      const parameters = { shards: orders.length, by: users ? input.roles.user : "row" };
      return {
        ...trained,
        engine: { address, version, trainer: "parameter averaging (experimental)", parameters },
      };
    });
  } finally {
    signal.removeEventListener("abort", forward);
  }
}

/** Where the users' features are; undefined where users are none. */
function usersOf({
  space: { fields, offsets },
  roles,
}: Pick<LearnerInput, "space" | "roles">): UserFeatures | undefined {
  const f = fields.findIndex(({ name, kind }) => name === roles.user && kind !== "number");
  return f < 0 ? undefined : { unknown: offsets[f]!, end: offsets[f + 1]! };
}

function shardsNote(orders: readonly number[][], user: string | undefined): string {
  const sizes = orders.map(({ length }) => length);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)].map(countText);
  return (
    `${orders.length} shards of ${least === most ? least : `${least} to ${most}`} rows, ` +
    (user === undefined ? "split by row, since users are no features here" : `split by '${user}'`)
  );
}

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
