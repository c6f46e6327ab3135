// How much of an item each kind of side information makes, by how often the item occurs: for the report.

import type { Run } from "../../../embedding/run-directory.js";
import type { ReportedRun } from "../../../report/content.js";
import { readShares } from "./artifact.js";

/** Where buckets of items begin, by their events. */
const BUCKETS = [1, 2, 5, 10, 20, 50, 100, 1000, 10_000, 100_000];

/** Mean shares of the items in each bucket. Items without events in this training have none. @throws {ArtifactError} damaged */
export async function attentionOf(run: Run): Promise<ReportedRun["shares"]> {
  const { counts, numRows } = await run.readTable();
  const { kinds, shares } = await readShares(run, numRows);
  const width = kinds.length;
  const buckets = BUCKETS.map((from, b) => ({
    from,
    ...(b + 1 < BUCKETS.length && { to: BUCKETS[b + 1]! - 1 }),
    items: 0,
    shares: kinds.map(() => 0),
  }));
  for (let row = 0; row < numRows; row++) {
    const own = shares.subarray(row * width, (row + 1) * width);
    // an item that no event held has no parts
    const bucket = buckets.findLast(({ from }) => counts[row]! >= from);
    if (!bucket || own.every((share) => share === 0)) continue;
    bucket.items++;
    own.forEach((share, kind) => (bucket.shares[kind]! += share));
  }
  const filled = buckets.filter(({ items }) => items > 0);
  for (const bucket of filled) bucket.shares = bucket.shares.map((sum) => sum / bucket.items);
  return { parts: kinds, buckets: filled };
}
