// Users by what they took: what `transform --fold-in` writes of a run of train-two-tower. One pass through the user tower, no training;
// a user of the training with the same events gets the vector of the run's table.

import { columnNamed, MISSING, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { bindEncoder } from "../../dataset/rows.js";
import { idsOf } from "../../dataset/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { DataError, UsageError } from "../../errors.js";
import { once, vectorEncoding } from "../../export/encoded-rows.js";
import { keyAt } from "../../log/dictionary.js";
import { historyOf, NO_ITEM } from "../../sampling/negatives.js";
import { silently, wholeOf } from "../../training/parts.js";
import { readEventsLikeRun } from "../../training/read-like-run.js";
import { listedKeys } from "../../training/listed-keys.js";
import { readSpace } from "../../training/run-space.js";
import type { Transformed, TransformOptions } from "../../training/transform-options.js";
import { collectWarnings, type Watch } from "../../training/watch.js";
import { withMachine } from "../../workers/with-machine.js";
import { rowsOfRun, startEncoder } from "./encoder.js";
import { behavioursOf } from "./examples.js";
import { inHashOrder, newestRanges, orderedEvents, rangesOfAll } from "./histories.js";
import { readTowers } from "./model.js";
import { columnsAsked } from "./options.js";
import { fieldRows, itemHashes } from "./rows.js";

/**
 * Vectors of all users of the events.
 *
 * @throws {UsageError} an option that it does not take, or items are asked for
 * @throws {DataError} no user has an event with an item that the run knows
 */
export async function foldInHistories(
  run: Run,
  options: TransformOptions,
  outer: Watch,
): Promise<Transformed> {
  const { watch, warnings, warn } = collectWarnings(outer);
  const { field = "user", l2Weight, l2Vector } = options;
  if (l2Weight !== undefined || l2Vector !== undefined)
    throw new UsageError(
      "--l2-weight and --l2-vector are for vectors that are fitted: these are computed by the user tower",
    );
  if (field === "item")
    throw new UsageError(
      "--field item: new items get vectors of their columns by the item tower, which transform RUN items.csv writes of a run with one; from events alone they get none",
    );
  const { preprocess, space, table } = await readSpace(run);
  const { roles } = preprocess;
  const towers = await readTowers(run, space, table, roles.item!);
  const { form } = towers;
  const { dim, history } = form;
  const asked = columnsAsked({ historyOf: [...form.historyOf] });
  const more = asked.filter((name) => ![...roles.fields, ...roles.numeric].includes(name));
  const as = { ...preprocess, roles: { ...roles, fields: [...roles.fields, ...more] } };
  const needed = history.of === "before" ? (["user", "time"] as const) : (["user"] as const);
  const dataset = await readEventsLikeRun(as, { ...options, on: options.foldIn! }, needed, silently(watch));
  const { rows } = wholeOf(dataset);
  const user = keyColumn(dataset, roles.user!);
  const item = keyColumn(dataset, roles.item!);
  const itemField = space.fields.find(({ name }) => name === roles.item);
  if (itemField?.kind !== "key") throw new RangeError(`'${roles.item}' is no field of keys`);
  const ids = idsOf(itemField, item.dictionary);
  const users = rows.map((row) => (user.codes[row] === MISSING ? NO_ITEM : user.codes[row]!));
  const items = rows.map((row) => {
    const id = item.codes[row] === MISSING ? 0 : ids[item.codes[row]!]!;
    return id === 0 ? NO_ITEM : id - 1;
  });
  const numUnknown = items.reduce((sum, one) => sum + (one === NO_ITEM ? 1 : 0), 0);
  const numUsers = user.dictionary.size;
  const order = orderedEvents(dataset, rows, { users, items, numUsers });
  const numbers = rowsOfRun(space, towers, roles.item!);
  const { context, ageRow } = numbers;
  const lasts = order.ends
    .subarray(1)
    .map((end, u) => (end > order.ends[u]! ? rows[order.places[end - 1]!]! : 0));
  const features = bindEncoder(space, dataset).encode(lasts, new Float32Array(numUsers), context.fields);
  const histories =
    history.of === "others"
      ? [otherItems()]
      : behavioursOf(dataset, rows, order, { historyOf: [...form.historyOf] }, false).map((behaviour) =>
          newestRanges(order, behaviour, history.most),
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
      ageRow === undefined ? undefined : { row: ageRow, values: new Float32Array(numUsers) },
    ),
  };
  const machine = await startEncoder(space, towers, numbers, options.reading.threads ?? 1);
  const vectors = await withMachine(machine, watch.signal, () => machine.users(made, numUsers));

  const hasEvents = (u: number) => histories.some(({ begins, ends }) => ends[u]! > begins[u]!);
  const found = Array.from({ length: numUsers }, (_, u) => u).filter(
    (u) => order.ends[u + 1]! > order.ends[u]! && (hasEvents(u) || form.userFields.length > 0),
  );
  const without = Array.from({ length: numUsers }, (_, u) => u).filter(
    (u) => order.ends[u + 1]! > order.ends[u]! && !hasEvents(u) && form.userFields.length === 0,
  );
  const lack = "has an event with an item that the run knows";
  const file = options.foldIn!.join(", ");
  if (found.length === 0)
    throw new DataError(`none of ${without.length} keys of '${user.name}' ${lack}: none gets a vector`, {
      file,
    });
  if (without.length > 0)
    warn(
      `${without.length} of ${without.length + found.length} keys of '${user.name}' get no vector, as none of these ${lack}: ${listedKeys(without.map((code) => keyAt(user.dictionary, code)))}`,
    );
  if (numUnknown > 0)
    watch.observe({
      stage: "note",
      text: `${numUnknown} events with items that the run does not know say nothing`,
    });
  watch.observe({
    stage: "note",
    text: `${found.length} keys of '${user.name}' from ${rows.length - numUnknown} events`,
  });
  const values = new Float32Array(found.length * dim);
  found.forEach((u, i) => values.set(vectors.subarray(u * dim, (u + 1) * dim), i * dim));
  const { bytes, offsets } = user.dictionary;
  return {
    encoding: { ...vectorEncoding(user.name, dim, found.length), unbiased: true },
    rows: once({
      ...{ numRows: found.length, values },
      keyOf: (row) => bytes.subarray(offsets[found[row]!], offsets[found[row]! + 1]),
      labels: new Float32Array(found.length),
    }),
    warnings,
  };
}

function keyColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind === "key") return column;
  throw new UsageError(`--fold-in needs one '${name}' a row, but the column is numeric or several-valued`);
}
