// The vectors of users whom a run does not know, as it folds their events in: what --fold-in-share ranks by (new-users.ts).

import type { Keys } from "../../../log/keys.js";
import { KeyIndex } from "../../../dataset/vocabulary/key-index.js";
import type { Run } from "../../../embedding/run-directory.js";
import { keysOfRows, rowsOf } from "../../../embedding/table.js";
import type { TrainingEvents } from "../../../sampling/training-events.js";
import { capable } from "../../../trainers/index.js";
import { foldedRows, foldingOf } from "../../../training/capabilities/folded-keys.js";
import type { UserVectors } from "../../../training/judging/ranked-items.js";
import type { FurtherLog } from "../../../training/reading/open-as-trained.js";
import type { Watch } from "../../../training/session/watch.js";
import type { Folding } from "./new-users.js";

/** What a run cannot do that has no folding in. */
export const NO_FOLD_IN = "cannot compute vectors of unknown users (--fold-in-share)";

/** Users whom runs know: with training events, or with a row in a table. */
export async function knownUsers(runs: readonly { run: Run }[], { users }: TrainingEvents): Promise<Keys[]> {
  const known = [users];
  for (const { run } of runs) {
    const { user } = run.manifest.roles as { user?: string };
    const table = await run.readTable();
    if (user !== undefined && table.fields.includes(user)) known.push(keysOfRows(table, rowsOf(table, user)));
  }
  return known;
}

/**
 * The vectors that a run makes of new users' events, as `transform --fold-in` writes them.
 *
 * @param users  u32[numQueries]: as the folding numbers them
 * @param log    what the events are read from
 * @returns a vector a query: zeros, and a warning, for users of whose items the run knows none
 * @throws {UsageError} the run folds in nobody, or not from this log
 */
export async function foldedVectors(
  { run, name }: { run: Run; name: string },
  users: Uint32Array,
  { training, rowsOf: chosen }: Folding,
  log: FurtherLog,
  watch: Watch,
): Promise<{ folded: UserVectors; warnings: string[] }> {
  const foldIn = await capable(run, "foldIn", NO_FOLD_IN);
  const options = { ...foldingOf(log, "user"), rowsOf: chosen };
  const { encoding, rows, warnings } = await foldedRows(run, foldIn, options, notesOf(name, watch));
  const dim = encoding.columns.length;
  const index = new KeyIndex(training.users);
  const all = new Float32Array(training.users.size * dim);
  for await (const { numRows, values, keyOf } of rows) {
    for (let row = 0; row < numRows; row++) {
      const key = keyOf(row);
      const user = index.find({ size: 1, bytes: key, offsets: Uint32Array.of(0, key.length) }, 0);
      if (user >= 0) all.set(values.subarray(row * dim, (row + 1) * dim), user * dim);
    }
  }
  const vectors = new Float32Array(users.length * dim);
  let without = 0;
  users.forEach((user, q) => {
    const own = all.subarray(user * dim, (user + 1) * dim);
    if (dim > 0 && own.every((x) => x === 0)) without++;
    vectors.set(own, q * dim);
  });
  if (without > 0)
    warnings.push(
      `${without} of ${users.length} users have no folded-in item known to the run and therefore no vector: ` +
        "they all get the same list",
    );
  return { folded: { dim, vectors }, warnings };
}

/** A watch that hears of notes under the run's name, and of no warnings: the folding returns its own, the log's were heard when it was first read. */
function notesOf(name: string, { observe, signal }: Watch): Watch {
  return {
    signal,
    observe: (progress) => {
      if (progress.stage === "note") observe({ ...progress, text: `${name}: ${progress.text}` });
      else if (progress.stage !== "warning") observe(progress);
    },
  };
}
