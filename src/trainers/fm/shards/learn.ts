// --engine-train: the factorization machine trained on a Spark server's executors, a shard of the rows each, and averaged after
// each epoch. Experimental. Equations and what it costs: docs/engines.md.
//
//   rows ──► shards by user ──► sent once ──► an epoch: parameters there, trained, back, averaged ──► validation here ──► ...

import { fileURLToPath } from "node:url";
import { featureHashes } from "../../../dataset/vocabulary/vocabulary.js";
import { countText, UsageError } from "../../../errors.js";
import { readText } from "../../../io/read-text.js";
import type { EpochEvent } from "../../../training/epochs/epoch-loop.js";
import type { FactorStart } from "../../../factors/warm-start.js";
import { weightOf } from "../../../numeric/indices.js";
import type { LearnerInput, Trained } from "../../../training/session/feature-training.js";
import { withEngine } from "../../../training/session/with-engine.js";
import { learnFm } from "../learn.js";
import type { FmOptions, GivenFm } from "../options.js";
import { cutRows, shardAt, type UserFeatures } from "./partition-rows.js";
import { ShardedPasses, type SentShard } from "./passes.js";
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
      const elsewhere = new ShardedPasses(
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
