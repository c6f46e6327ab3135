// Vectors from decayed transitions (dataset/sequences/transitions.ts), and users as sums of vectors of their latest
// items.
//
//   N = (r + s)^-1/2 T c^-b ~ U S V'      r, c  row and column sums of T      s  smoothing      b  --degree-power
//   history  H = (r + s)^-1/2 U S^(1-p)   item  O = c^b V S^p                  p  --power
//   user     sum over the latest steps d = 1 .. of q^(d - 1) H_h               their inner product is near the score of T

import { columnSums, rowSums, transpose } from "../../dataset/sequences/interactions.js";
import { orderedEvents } from "../../dataset/sequences/ordered-events.js";
import {
  forLatest,
  transitionScores,
  transitionsOf,
  type Steps,
} from "../../dataset/sequences/transitions.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { DataError, sizeText, UsageError } from "../../base/errors.js";
import type { Run } from "../../table/run-directory.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { MISSING } from "../../log/keys.js";
import { inverseRoots, powersOf } from "../../base/numeric/scales.js";
import { timesOfRows } from "../../dataset/sampling/training-events.js";
import { tokensOf } from "../shared/skip-grams/sessions.js";
import {
  foldedColumn,
  keysFrom,
  type FoldedKeys,
  type FoldingIn,
} from "../../training/capabilities/folded-keys.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import type { Part } from "../../training/examples/examples.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import { openAsTrained } from "../../training/reading/open-as-trained.js";
import { silently, wholeOf } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { HISTORY_TABLE, type PcaModel } from "./artifact.js";
import { decompose, shared, sharesOf } from "./decompose.js";
import { featuresOf } from "./interactions.js";
import { fitOf } from "./memory.js";
import type { PcaOptions } from "./options.js";

type Query = Pick<PcaOptions, "history" | "queryDecay">;

/** @param users u32[rows]: number of each row's user; NO_ITEM for none @throws {UsageError} the log has no order */
function stepsInOrder(
  space: FeatureSpace,
  { dataset, rows }: Part,
  { users, numUsers }: { users: Uint32Array; numUsers: number },
  ties: PcaOptions["ties"],
): Steps {
  const item = dataset.roles.item!;
  const times = timesOfRows(dataset, rows);
  if (!times && ties === "basket")
    throw new UsageError(
      "--matrix transitions needs the order of events: name the time column with --time, or use the log's order " +
        "with --ties order",
    );
  const [tokens] = tokensOf(space, { dataset, rows }, [item], undefined);
  const { first } = featuresOf(space, item);
  const items = tokens!.map((token) => (token === MISSING ? NO_ITEM : token - first - 1));
  const known = users.map((user, e) => (items[e] === NO_ITEM ? NO_ITEM : user));
  const { firsts, ...order } = orderedEvents(rows, times, { users: known, items, numUsers });
  return ties === "order" ? order : { ...order, firsts: firsts! };
}

interface TransitionsPca {
  model: PcaModel;
  /** writes the score of each item, without vectors, for a user, both by their numbers in the fields */
  scores: (user: number, scores: Float64Array) => void;
  notes: string[];
}

/** @throws {DataError} no user has two steps @throws {UsageError} too many transitions for the memory */
export async function transitionsPca(
  space: FeatureSpace,
  part: Part,
  options: PcaOptions,
  { most, signal }: { most: number; signal: AbortSignal },
): Promise<TransitionsPca> {
  const roles = part.dataset.roles as { user: string; item: string };
  const [user, item] = [featuresOf(space, roles.user), featuresOf(space, roles.item)];
  const [numUsers, numItems] = [user.count - 1, item.count - 1];
  const [tokens] = tokensOf(space, part, [roles.user], undefined);
  const users = tokens!.map((token) => (token === MISSING ? NO_ITEM : token - user.first - 1));
  const steps = stepsInOrder(space, part, { users, numUsers }, options.ties);
  const transitions = transitionsOf(steps, numItems, options, (entries) => {
    if (!fitOf({ rows: numItems, columns: numItems, entries }, options, most).isTooLarge) return;
    throw new UsageError(
      `--matrix transitions: the transitions between ${numItems} items and their vectors exceed --max-memory ` +
        `${sizeText(most)} or the solver's 4 GiB: use a smaller --window or --dim, --min-count to leave out rare ` +
        "items, or a larger --max-memory",
    );
  });
  if (transitions.indices.length === 0)
    throw new DataError(
      "--matrix transitions: no user has two events at different times, so that no item follows another: check " +
        "--user and --time, or use the log's order with --ties order",
      { file: part.dataset.inputs.map(({ path }) => path).join(", ") },
    );
  const columns = transpose(transitions, numItems);
  const [leaving, arriving] = [rowSums(transitions), columnSums(transitions, numItems)];
  const scales = options.normalize === "degree" && {
    rowScale: inverseRoots(leaving.map((sum) => (sum > 0 ? sum + options.smoothing : 0))),
    columnScale: Float32Array.from(powersOf(arriving, -options.degreePower)),
  };
  const found = await decompose({ rows: transitions, columns, ...scales }, options, signal);
  const { dim, left, right, singularValues } = found;
  const shares = sharesOf(singularValues, options, numItems);
  const history = shared(left, shares.rows);
  if (scales) history.forEach((x, at) => (history[at] = x * scales.rowScale[Math.floor(at / dim)]!));
  const vectors = new Float32Array(space.numFeatures * dim);
  vectors.set(shared(right, shares.columns, scales ? scales.columnScale : undefined), (item.first + 1) * dim);
  for (let u = 0; u < numUsers; u++)
    vectors.set(userVector(steps, u, { dim, history }, options), (user.first + 1 + u) * dim);
  const alone = steps.ends.reduce(
    (sum, end, u) => sum + (u > 0 && end === steps.ends[u - 1]! + 1 ? 1 : 0),
    0,
  );
  return {
    model: {
      ...found,
      size: { rows: numItems, columns: numItems, entries: transitions.indices.length },
      ...{ vectors, history, tensors: {} },
    },
    scores: transitionScores(transitions, steps, options),
    notes: alone === 0 ? [] : [`${alone} of ${numUsers} users have one event, to which no item leads`],
  };
}

function userVector(
  steps: Steps,
  user: number,
  { dim, history }: { dim: number; history: Float32Array },
  query: Query,
): Float64Array {
  const sum = new Float64Array(dim);
  forLatest(steps, user, query, (item, weight) => {
    for (let d = 0; d < dim; d++) sum[d]! += weight * history[item * dim + d]!;
  });
  return sum;
}

/** Folds in users; one with the events of a training user gets that user's vector. */
export async function foldInHistories(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  const { field = "user", l2Weight, l2Vector } = options;
  if (l2Weight !== undefined || l2Vector !== undefined)
    throw new UsageError("--l2-weight and --l2-vector cannot be used here: a sum has no penalty");
  if (field === "item")
    throw new UsageError(
      "--field item cannot be used here: the vector of a new item depends on the transitions of all others; train " +
        "again, or use --content",
    );
  const { preprocess, space } = await readSpace(run);
  const { dim, vectors: history } = await run.readTable(HISTORY_TABLE);
  const query = run.manifest.options as unknown as PcaOptions;
  const { user, item, time } = preprocess.roles;
  const roles = time === undefined ? (["user"] as const) : (["user", "time"] as const);
  return {
    ...{ dim, biased: false },
    async of(log): Promise<FoldedKeys> {
      const { dataset } = await openAsTrained(preprocess, log, silently(watch), { roles });
      const { rows } = wholeOf(dataset);
      const column = foldedColumn(dataset, user!);
      foldedColumn(dataset, item!);
      const numUsers = column.dictionary.size;
      const users = rows.map((row) => (column.codes[row] === MISSING ? NO_ITEM : column.codes[row]!));
      const steps = stepsInOrder(space, { dataset, rows }, { users, numUsers }, query.ties);
      const codes = Array.from({ length: numUsers }, (_, u) => u);
      const vectors = codes.map((u) =>
        steps.ends[u] === steps.ends[u + 1] ? undefined : userVector(steps, u, { dim, history }, query),
      );
      return {
        ...{ column, codes, vectors },
        lack: "has an event with an item known to the run",
        notes: [keysFrom(column, vectors, steps.items.length)],
      };
    },
  };
}
