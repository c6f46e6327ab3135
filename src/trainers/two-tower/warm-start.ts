// --init of two towers: a run of two towers, or the item vectors of any other run.
//
//   two towers   items, histories, fields and layers; keys that this log lacks keep their rows
//   any other    its item vectors, both as candidates and in histories

import { openRun, type Run } from "../../table/run-directory.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import { rowsByFeature } from "../../training/examples/feature-table.js";
import type { Capable } from "../../training/capabilities/model.js";
import type { NamedArrays } from "../../training/epochs/named-arrays.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import { readTowers, type StoredForm, type StoredTowers } from "./model.js";
import { TWO_TOWER_MODEL } from "./names.js";
import type { GivenTwoTower, TwoTowerOptions } from "./options.js";
import { forEachRow, type TowerRows } from "./rows.js";
import {
  addedWarnings,
  carryKeys,
  carryRows,
  knownFeatures,
  ownVocabulary,
  type FittedVocabulary,
} from "../../training/warm-start/carried-keys.js";
import { checkDim, checkExpire, readKeyHistory, type InitRun } from "../../training/warm-start/init-run.js";
import { openTableInit, startFromTable, type TableInit } from "../../training/warm-start/table-init.js";
import type { FeatureModel, WarmVocabulary } from "../../training/session/feature-plan.js";

export interface TowersStart {
  /** u8[numFeatures]: 1 for features that the run has */
  known: Uint8Array;
  /** f32[numFeatures * dim] each: items before the item tower's term; items in histories; other fields */
  items: Float32Array;
  histories: Float32Array;
  features: Float32Array;
  /** for a run of two towers: the vectors and biases of its tables, which keys without events keep */
  scored?: { vectors: Float32Array; w: Float32Array };
  layers: NamedArrays;
  userBias?: Float32Array;
  age?: Float32Array;
}

interface TowersInit extends NonNullable<FeatureModel<TwoTowerOptions, TowersStart>["init"]> {
  dim: number;
}

export async function openTowersInit(
  given: GivenTwoTower,
  options: TwoTowerOptions,
  capable: Capable,
): Promise<TowersInit | undefined> {
  checkExpire(given);
  const { init, dim, expire } = given;
  if (init === undefined) return undefined;
  const run = await openRun(init);
  if (run.manifest.model !== TWO_TOWER_MODEL) {
    if (expire !== undefined)
      throw new UsageError(
        `--expire needs an --init run of train-two-tower, but '${init}' is not: only its vectors are used`,
      );
    const table = await openTableInit(init, dim, capable, "two towers");
    return { run, dim: table.dim, carry: (fitted) => fromTable(table, fitted) };
  }
  const { preprocess, space, table } = await readSpace(run);
  checkDim(run, table.dim, dim);
  const towers = await readTowers(run, space, table, preprocess.roles.item!);
  checkForm(run, towers.form, options);
  const history = await readKeyHistory(run, space);
  const w = rowsByFeature(space, table.weights ?? new Float32Array(table.numRows), 1);
  const vectors = rowsByFeature(space, table.vectors, table.dim);
  return {
    run,
    dim: table.dim,
    carry: (fitted) => fromTowers({ run, space, towers, history, w, vectors }, fitted, given),
  };
}

function checkForm({ path }: Run, was: StoredForm, is: TwoTowerOptions): void {
  const text = (sizes: readonly number[]) => (sizes.length === 0 ? "none" : sizes.join(","));
  const given: [flag: string, was: string, is: string][] = [
    ["--user-tower", text(was.userTower), text(is.userTower)],
    ["--skip-connection", String(was.skipConnection), String(is.skipConnection)],
    ["--history-vectors", was.historyVectors, is.historyVectors],
    ["--item-tower", text(was.itemTower), text(is.itemTower)],
    ["--similarity", was.similarity, is.similarity],
    ["--history-of", was.historyOf.join(" | "), is.historyOf.join(" | ")],
    ["--user-fields", [...was.userFields].sort().join(","), [...is.userFields].sort().join(",")],
    ["--user-bias", String(was.userBias), String(is.userBias)],
    ["--example-age", String(was.exampleAge), String(is.exampleAge)],
  ];
  const odd = given.find(([, before, now]) => before !== now);
  if (odd)
    throw new UsageError(
      `--init '${path}' was trained with ${odd[0]} ${odd[1] || "none"}, but this training has ` +
        `${odd[2] || "none"}: use the same value, or train without --init`,
    );
}

interface StoredRun extends InitRun {
  towers: StoredTowers;
  w: Float32Array;
  vectors: Float32Array;
}

function fromTowers(
  init: StoredRun,
  fitted: FittedVocabulary,
  given: GivenTwoTower,
): WarmVocabulary<TowersStart> {
  const { run, space: before, towers, w, vectors } = init;
  const { space, history, from, carried, ...keys } = carryKeys(init, fitted, given);
  const { dim } = towers.form;
  const { item, user } = fitted.dataset.roles;
  // copies the items' rows to their places in an array with a row for each feature of the run
  const ofItems = (own: Float32Array): Float32Array => {
    const f = before.fields.findIndex(({ name }) => name === item);
    const all = new Float32Array(before.numFeatures * dim);
    if (f >= 0) all.set(own, before.offsets[f]! * dim);
    return all;
  };
  const unseen = carried.fields?.[space.fields.findIndex(({ name }) => name === user)]?.unseen ?? 0;
  return {
    ...{ space, history, notes: keys.notes },
    warnings: [
      ...keys.warnings,
      ...addedWarnings(init, keys),
      ...(unseen > 0
        ? [
            `${unseen} users of run '${run.path}' have no events here and keep vectors computed by the ` +
              "earlier towers: drop them with --expire, or recompute them with transform --fold-in",
          ]
        : []),
    ],
    startFor: () => ({
      carried,
      start: {
        known: knownFeatures(from),
        ...carryRows(
          {
            items: ofItems(towers.items),
            histories: ofItems(towers.histories),
            features: towers.features,
          },
          from,
          before,
        ),
        scored: carryRows({ vectors, w }, from, before),
        layers: towers.layers,
        userBias: towers.userBias,
        age: towers.age,
      },
    }),
  };
}

function fromTable(init: TableInit, fitted: FittedVocabulary): WarmVocabulary<TowersStart> {
  const own = ownVocabulary(fitted);
  const { user, item } = fitted.dataset.roles;
  return {
    ...own,
    startFor(task) {
      // towers compute the vectors of users, so the table's vectors of users are unused
      const { table, ...found } = startFromTable(init, own.space, { item }, { task, unused: user });
      const { known, vectors } = table;
      return {
        ...found,
        start: { known, items: vectors, histories: vectors, features: vectors, layers: {} },
      };
    },
  };
}

export function putStart(
  first: Readonly<Record<string, Float32Array>>,
  rows: TowerRows,
  space: FeatureSpace,
  { known, items, histories, features, scored, layers, userBias, age }: TowersStart,
  dim: number,
): void {
  const vectors = first["vectors"]!;
  const put = (row: number, from: Float32Array, feature: number) => {
    const v = from.subarray(feature * dim, (feature + 1) * dim);
    if (known[feature] && v.some((x) => x !== 0)) vectors.set(v, row * dim);
  };
  rows.itemFeatures.forEach((feature, item) => {
    put(item, items, feature);
    if (rows.firstHistoryRow > 0) put(rows.firstHistoryRow + item, histories, feature);
    const biases = first["biases"];
    if (biases && scored && known[feature]) biases[item] = scored.w[feature]!;
  });
  for (const fields of [rows.context, rows.side])
    forEachRow(space, fields, (row, feature) => put(row, features, feature));
  if (userBias && rows.biasRow !== undefined) vectors.set(userBias, rows.biasRow * dim);
  if (age && rows.ageRow !== undefined) vectors.set(age, rows.ageRow * dim);
  for (const [name, values] of Object.entries(layers)) first[name]?.set(values as Float32Array);
}
