// Encodes items of a table with the item tower: from their columns, plus the items' own vectors if the run knows them.

import { MISSING } from "../../log/keys.js";
import { columnNamed } from "../../dataset/dataset.js";
import { bindEncoder } from "../../dataset/rows.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { rowsOf } from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { once, vectorEncoding } from "../../export/encoded-rows.js";
import { wholeOf } from "../../training/reading/split-parts.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import { keysOfRows, openTableAsTrained } from "../../training/reading/open-as-trained.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { rowsOfRun, startEncoder } from "./encoder.js";
import { readTowers } from "./model.js";
import { fieldRows } from "./rows.js";

export async function encodeItems(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  const model = await readSpace(run);
  const { space, preprocess, table } = model;
  const { item } = preprocess.roles;
  const towers = await readTowers(run, space, table, item!);
  const { form } = towers;
  if (form.itemTower.length === 0)
    throw new UsageError(
      `run '${run.path}' has no item tower to compute vectors from columns: train it with --item-tower and ` +
        "--item-fields, or encode users by their events (--fold-in LOG)",
    );
  const { dataset, known } = await openTableAsTrained(model, options, watch);
  const read = form.sideFields.filter((name) => known.includes(name));
  if (read.length === 0)
    throw new UsageError(
      `the file has none of the item tower's input columns: ${form.sideFields.join(", ")}`,
    );
  const { rows } = wholeOf(dataset);
  const numbers = rowsOfRun(space, towers, item!);
  const features = bindEncoder(space, dataset).encode(
    rows,
    new Float32Array(rows.length),
    numbers.side.fields,
  );
  const own = new Float32Array(rows.length * form.dim);
  const f = space.fields.findIndex(({ name }) => name === item);
  const field = space.fields[f];
  const biases = new Float32Array(rows.length);
  let numKnown = 0;
  if (known.includes(item!) && field?.kind === "key") {
    const column = columnNamed(dataset, item!);
    if (column.kind !== "key") throw new UsageError(`the item column '${item}' is numeric or multi-valued`);
    const ids = idsOf(field, column.dictionary);
    const { first } = rowsOf(table, item!);
    rows.forEach((row, r) => {
      const id = column.codes[row] === MISSING ? 0 : ids[column.codes[row]!]!;
      if (id === 0) return;
      numKnown++;
      own.set(towers.items.subarray(id * form.dim, (id + 1) * form.dim), r * form.dim);
      if (table.weights) biases[r] = table.weights[first + id - 1]!;
    });
  }
  watch.observe({
    stage: "note",
    text:
      `vectors are computed from ${read.map((name) => `'${name}'`).join(" + ")}; for ${numKnown} known ` +
      `items of ${rows.length} also from their own rows`,
  });
  const machine = await startEncoder(space, towers, numbers, options.reading.threads ?? 1, {
    side: fieldRows(space, numbers.side, features),
    own,
  });
  const values = await withMachine(machine, watch.signal, () => machine.items());
  const keyOf = keysOfRows(dataset, options.key);
  const isCosine = form.similarity === "cosine";
  return {
    encoding: {
      ...vectorEncoding(options.key, form.dim, rows.length),
      ...(isCosine && { unbiased: true as const }),
    },
    rows: once({
      ...{ numRows: rows.length, values, keyOf, labels: new Float32Array(rows.length) },
      ...(!isCosine && { biases }),
    }),
    warnings: [],
  };
}
