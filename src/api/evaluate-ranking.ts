// Ranking metrics of a run on a log: each user's best items against what the log says the user took.

import type { Metrics } from "../embedding/manifest.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { bindEncoder } from "../dataset/rows.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import type { NegativeSource } from "../sampling/negative-source.js";
import { historyWith, rankingQueries } from "../sampling/ranking-events.js";
import type { ScoringModel } from "../trainers/learners.js";
import type { Part } from "./examples.js";
import { readNegatives } from "./negative-file.js";
import { rankingOfModel } from "./ranking-of-model.js";

/**
 * The best `k` items of each user of the part; what the user has in training, or in `mask`, is left out.
 *
 * @throws {UsageError} neither run nor mask say which items its users have
 */
export async function rankingOfRun(
  run: Run,
  model: ScoringModel,
  part: Part,
  mask: Part | undefined,
  options: { k: number; threads: number; signal: AbortSignal },
): Promise<{ metrics: Metrics; notes: string[] }> {
  const { source, contextFieldIndexes } = await knownItems(run, model, mask !== undefined);
  const bound = ({ dataset, rows }: Part) => ({
    dataset,
    rows,
    encoder: bindEncoder(model.space, dataset),
    contextFieldIndexes,
  });
  const masked = mask ? { ...source, history: historyWith(source, bound(mask)) } : source;
  const queries = rankingQueries(masked, bound(part));
  const { unknownUsers } = queries;
  const notes = unknownUsers > 0 ? [`${unknownUsers} users have no training events and are left out`] : [];
  return { metrics: await rankingOfModel(model, source, queries, options), notes };
}

/** The items that are ranked, with what users have of them, and the fields of a user's context. */
async function knownItems(
  run: Run,
  { space, preprocess }: ScoringModel,
  hasMask: boolean,
): Promise<{ source: NegativeSource; contextFieldIndexes: number[] }> {
  const { negatives, task, roles } = preprocess;
  if (negatives) {
    const isItems = (name: string) => negatives.itemFields.includes(name);
    return {
      source: await readNegatives(run),
      contextFieldIndexes: space.fields.flatMap(({ name }, f) => (isItems(name) ? [] : [f])),
    };
  }
  if (task !== "implicit") {
    throw new UsageError(
      `run '${run.path}' does not know which items its users have: train it with --task ranking or --negatives`,
    );
  }
  if (!hasMask) {
    throw new UsageError(
      `run '${run.path}' keeps no items of its users, and its lists would hold those of training: give its log, --mask LOG`,
    );
  }
  return matrixSource(space, roles.user!, roles.item!);
}

/** The table's own users and items; what users have is left to the mask. */
function matrixSource(
  space: FeatureSpace,
  user: string,
  item: string,
): { source: NegativeSource; contextFieldIndexes: number[] } {
  const numberOf = (name: string) => space.fields.findIndex((field) => field.name === name);
  const [u, i] = [numberOf(user), numberOf(item)];
  const [users, items] = [space.fields[u]!, space.fields[i]!];
  if (users.kind === "number" || items.kind === "number") throw new RangeError("users and items are keys");
  const ids = Uint32Array.from({ length: items.keys.size }, (_, key) => space.offsets[i]! + 1 + key);
  return {
    source: {
      items: items.keys,
      counts: items.counts.slice(1),
      templates: { numRows: ids.length, width: 1, ids, labels: new Float32Array(ids.length) },
      users: users.keys,
      history: { indptr: new Uint32Array(users.keys.size + 1), items: new Uint32Array() },
    },
    contextFieldIndexes: [u],
  };
}
