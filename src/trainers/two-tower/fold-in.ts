// Folds in users for `transform --fold-in`: one forward pass of the user tower over their histories, without training.
// A user of the training log with the same events gets the vector of the run's table.

import { MISSING } from "../../log/keys.js";
import type { Dataset } from "../../dataset/dataset.js";
import { bindEncoder } from "../../dataset/rows.js";
import { idsOf, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { historyOf } from "../../dataset/sampling/negatives.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { silently, wholeOf } from "../../training/reading/split-parts.js";
import { openAsTrained } from "../../training/reading/open-as-trained.js";
import {
  foldedColumn,
  keysFrom,
  type FoldedKeys,
  type FoldingIn,
} from "../../training/capabilities/folded-keys.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";
import { endedBy, unlessAborted } from "../../compute/threads/with-machine.js";
import { rowsOfRun, startEncoder } from "./encoder.js";
import { behaviorRows } from "./examples.js";
import { behaviorOf, inHashOrder, newestRanges, orderedEvents, rangesOfAll } from "./histories.js";
import type { TowersMachine } from "./machine.js";
import { readTowers, type StoredForm } from "./model.js";
import { columnsAsked } from "./options.js";
import { fieldRows, itemHashes, rowsBeside, type TowerRows } from "./rows.js";

export async function foldInHistories(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  const { field = "user", l2Weight, l2Vector } = options;
  if (l2Weight !== undefined || l2Vector !== undefined)
    throw new UsageError(
      "--l2-weight and --l2-vector cannot be used here: vectors are computed by the user tower",
    );
  if (field === "item")
    throw new UsageError(
      "--field item cannot be used here: vectors of new items are computed from their columns by the item " +
        "tower (transform RUN items.csv), not from events",
    );
  const { preprocess, space, table } = await readSpace(run);
  const { roles } = preprocess;
  const towers = await readTowers(run, space, table, roles.item!);
  const { form } = towers;
  const asked = columnsAsked({ historyOf: [...form.historyOf] });
  const more = asked.filter((name) => ![...roles.fields, ...roles.numeric].includes(name));
  const as = { ...preprocess, roles: { ...roles, fields: [...roles.fields, ...more] } };
  const needed = form.history.of === "before" ? (["user", "time"] as const) : (["user"] as const);
  const numbers = rowsOfRun(space, towers, roles.item!);
  const machine = await startEncoder(space, towers, numbers, options.reading.threads ?? 1);
  const model = { space, form, numbers, item: roles.item!, machine };
  return {
    ...{ dim: form.dim, biased: false },
    async of(log) {
      const dataset = (await openAsTrained(as, log, silently(watch), { roles: needed })).dataset;
      return await unlessAborted(watch.signal, () => usersOf(model, dataset, roles.user!));
    },
    close: endedBy(machine, watch.signal),
  };
}

interface Model {
  space: FeatureSpace;
  form: StoredForm;
  numbers: TowerRows;
  item: string;
  machine: TowersMachine;
}

async function usersOf(
  { space, form, numbers, item: itemName, machine }: Model,
  dataset: Dataset,
  userName: string,
): Promise<FoldedKeys> {
  const { dim, history } = form;
  const { rows } = wholeOf(dataset);
  const user = foldedColumn(dataset, userName);
  const item = foldedColumn(dataset, itemName);
  const itemField = space.fields.find(({ name }) => name === itemName);
  if (itemField?.kind !== "key") throw new RangeError(`'${itemName}' is not a field of keys`);
  const ids = idsOf(itemField, item.dictionary);
  const users = rows.map((row) => (user.codes[row] === MISSING ? NO_ITEM : user.codes[row]!));
  const items = rows.map((row) => {
    const id = item.codes[row] === MISSING ? 0 : ids[item.codes[row]!]!;
    return id === 0 ? NO_ITEM : id - 1;
  });
  const numUnknown = items.reduce((sum, one) => sum + (one === NO_ITEM ? 1 : 0), 0);
  const numUsers = user.dictionary.size;
  const order = orderedEvents(dataset, rows, { users, items, numUsers });
  const { context } = numbers;
  const lasts = order.ends
    .subarray(1)
    .map((end, u) => (end > order.ends[u]! ? rows[order.places[end - 1]!]! : 0));
  const features = bindEncoder(space, dataset).encode(lasts, new Float32Array(numUsers), context.fields);
  const histories =
    history.of === "others"
      ? [otherItems()]
      : behaviorRows(dataset, rows, { historyOf: [...form.historyOf] }, false).map((isOf) =>
          newestRanges(order, behaviorOf(order, isOf), history.most),
        );
  function otherItems() {
    const own = historyOf(users, items, numUsers);
    const tokens = inHashOrder(own, itemHashes(space, numbers.itemFeatures));
    return rangesOfAll(own, tokens, history.most);
  }
  const made = {
    histories,
    context: fieldRows(
      space,
      context,
      features,
      rowsBeside(numbers, () => new Float32Array(numUsers)),
    ),
  };
  const encoded = await machine.users(made, numUsers);

  const hasEvents = (u: number) => histories.some(({ begins, ends }) => ends[u]! > begins[u]!);
  const codes = Array.from({ length: numUsers }, (_, u) => u).filter(
    (u) => order.ends[u + 1]! > order.ends[u]!,
  );
  const vectors = codes.map((u) =>
    hasEvents(u) || form.userFields.length > 0 ? encoded.subarray(u * dim, (u + 1) * dim) : undefined,
  );
  return {
    ...{ column: user, codes, vectors },
    lack: "has an event with an item known to the run",
    notes: [
      ...(numUnknown === 0 ? [] : [`ignored ${numUnknown} events with items unknown to the run`]),
      keysFrom(user, vectors, rows.length - numUnknown),
    ],
  };
}
