// Vectors from decayed transitions (dataset/sequences/transitions.ts), and users as sums of vectors of their latest
// items.
//
//   N = (r + s)^-1/2 T c^-b ~ U S V'      r, c  row and column sums of T      s  smoothing      b  --degree-power
//   history  H = (r + s)^-1/2 U S^(1-p)   item  O = c^b V S^p                  p  --power
//   user     sum over the latest steps d = 1 .. of q^(d - 1) H_h               their inner product is near the score of T

import { packedRows, type SparseRows } from "../../compute/kernels/als/binding.js";
import { joinedRows, transpose } from "../../dataset/sequences/interactions.js";
import { orderedEvents } from "../../dataset/sequences/ordered-events.js";
import {
  forLatest,
  rowsInMemory,
  transitionBlocks,
  transitionScores,
  type Transitions,
  type Steps,
} from "../../dataset/sequences/transitions.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { BlockStore } from "../../base/io/block-store.js";
import { noteDisk } from "../shared/factor-model/stored-training.js";
import { beginsBlock, blockStarts, rowsName } from "../../compute/solvers/svd/matrix-blocks.js";
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
import { decompose, leftRows, shared, sharesOf } from "./decompose.js";
import { featuresOf, type DecomposedIn } from "./interactions.js";
import { fitOf, mostOfTransitions, storedTransitionBytes } from "./memory.js";
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
  const order = orderedEvents(rows, times, { users: known, items, numUsers });
  // without the order's times and places, which would be held for as long as the steps
  const steps = { ends: order.ends, users: order.users, items: order.items };
  return ties === "order" ? steps : { ...steps, firsts: order.firsts! };
}

interface TransitionsPca {
  model: PcaModel;
  /** writes the score of each item, without vectors, for a user, both by their numbers in the fields */
  scores: (user: number, scores: Float64Array) => void;
  notes: string[];
}

/** T, whole or, if it exceeds the memory, in blocks of rows in a store; then `rows` has no entries. */
interface Counts extends Transitions {
  rows: SparseRows;
  /** sum of each column */
  arriving: Float64Array;
  store: BlockStore | undefined;
}

async function countsOf(
  steps: Steps,
  numItems: number,
  options: PcaOptions,
  { most, beside, note }: DecomposedIn & { most: number },
): Promise<Counts> {
  const indptr = new Uint32Array(numItems + 1);
  const [sums, arriving] = [new Float64Array(numItems), new Float64Array(numItems)];
  let blocks: SparseRows[] = [];
  let store: BlockStore | undefined;
  const size = { rows: numItems, columns: numItems, entries: 0 };
  let [row, written] = [0, 0];
  const begins = (item: number, entries: number) => beginsBlock(item, numItems, entries);
  for (const block of transitionBlocks(steps, numItems, options, begins)) {
    const { indices, values } = block;
    for (let r = 0; r + 1 < block.indptr.length; r++) {
      for (let e = block.indptr[r]!; e < block.indptr[r + 1]!; e++) {
        sums[row]! += values![e]!;
        arriving[indices[e]!]! += values![e]!;
      }
      indptr[++row] = size.entries + block.indptr[r + 1]!;
    }
    size.entries += indices.length;
    blocks.push(block);
    if (!store && fitOf(size, options, most).isStored)
      store = new BlockStore(beside, Math.max(0, most - storedTransitionBytes(size, options.dim).resident));
    if (!store) continue;
    for (const own of blocks) await store.write(rowsName(written++), packedRows(own));
    blocks = [];
  }
  if (!store) {
    if (fitOf(size, options, most).isTooLarge)
      note?.(
        `--max-memory ${sizeText(most)} has no effect: transitions are read from disk only without --exact, and with ` +
          "too many items for an exact decomposition",
      );
    const rows = joinedRows(blocks);
    return { ...rowsInMemory(rows), rows, arriving, store };
  }
  // a row is read from its block: u32[rows + 1] ends, then the columns and the entries of all rows
  const starts = blockStarts(indptr);
  const rowOf = (item: number) => {
    const block = starts.findIndex((start) => start > item) - 1;
    const [first, last] = [starts[block]!, starts[block + 1]!];
    const length = indptr[item + 1]! - indptr[item]!;
    const at = last - first + 1 + indptr[item]! - indptr[first]!;
    const [indices, values] = [new Uint32Array(length), new Uint32Array(length)];
    store.readPart(rowsName(block), at, indices);
    store.readPart(rowsName(block), at + indptr[last]! - indptr[first]!, values);
    return { indices, values: new Float32Array(values.buffer) };
  };
  const rows = { indptr, indices: new Uint32Array(), values: new Float32Array() };
  return { sums, rowOf, rows, arriving, store };
}

/** @throws {DataError} no user has two steps @throws {UsageError} too many transitions for the solver */
export async function transitionsPca(
  space: FeatureSpace,
  part: Part,
  options: PcaOptions,
  { most, signal, ...files }: DecomposedIn,
): Promise<TransitionsPca> {
  const roles = part.dataset.roles as { user: string; item: string };
  const [user, item] = [featuresOf(space, roles.user), featuresOf(space, roles.item)];
  const [numUsers, numItems] = [user.count - 1, item.count - 1];
  const usersOfRows = () => {
    const [tokens] = tokensOf(space, part, [roles.user], undefined);
    return tokens!.map((token) => (token === MISSING ? NO_ITEM : token - user.first - 1));
  };
  const steps = stepsInOrder(space, part, { users: usersOfRows(), numUsers }, options.ties);
  const maxMemory = most ?? mostOfTransitions(numItems, steps.items.length, options.dim);
  const counts = await countsOf(steps, numItems, options, { ...files, most: maxMemory });
  const { rows, arriving, store } = counts;
  const entries = rows.indptr[numItems]!;
  if (entries === 0)
    throw new DataError(
      "--matrix transitions: no user has two events at different times, so that no item follows another: check " +
        "--user and --time, or use the log's order with --ties order",
      { file: part.dataset.inputs.map(({ path }) => path).join(", ") },
    );
  const columns = store
    ? { indptr: new Uint32Array(numItems + 1), indices: new Uint32Array() }
    : transpose(rows, numItems);
  const scales = options.normalize === "degree" && {
    rowScale: inverseRoots(counts.sums.map((sum) => (sum > 0 ? sum + options.smoothing : 0))),
    columnScale: Float32Array.from(powersOf(arriving, -options.degreePower)),
  };
  const inBlocks = store && { store, transpose, hasRows: true };
  const found = await decompose({ rows, columns, ...scales, inBlocks }, options, signal);
  if (store)
    noteDisk(
      store,
      blockStarts(rows.indptr).length - 1,
      { ...files, maxMemory },
      "the transitions and vectors",
    );
  await found.saved?.check();
  const { dim, right, singularValues } = found;
  const shares = sharesOf(singularValues, options, numItems);
  const history = shared(leftRows(found, 0, numItems), shares.rows);
  if (scales) history.forEach((x, at) => (history[at] = x * scales.rowScale[Math.floor(at / dim)]!));
  const vectors = new Float32Array(space.numFeatures * dim);
  vectors.set(shared(right, shares.columns, scales ? scales.columnScale : undefined), (item.first + 1) * dim);
  for (let u = 0; u < numUsers; u++)
    vectors.set(userVector(steps, u, { dim, history }, options), (user.first + 1 + u) * dim);
  const alone = steps.ends.reduce((n, end, u) => n + Number(u > 0 && end === steps.ends[u - 1]! + 1), 0);
  return {
    model: {
      ...found,
      size: { rows: numItems, columns: numItems, entries },
      ...{ vectors, history, tensors: {} },
    },
    scores: transitionScores(counts, steps, options),
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
