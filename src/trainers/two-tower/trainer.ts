// `embed train-two-tower`: encodes users by their histories, and ranks items by their similarity to the user.

import {
  RANKS_ONLY,
  type LogTraits,
  type Suits,
  type Trainer,
  type Plan,
} from "../../training/session/trainer.js";
import type { Dataset } from "../../dataset/dataset.js";
import { factorOutcome } from "../shared/factor-model/outcome.js";
import { type FeatureModel, featurePlan } from "../../training/session/feature-plan.js";
import type { Capable } from "../../training/capabilities/model.js";
import { readCandidates } from "../../training/examples/ranking-examples.js";
import { featuresNamed, featuresOfRoles } from "../../training/reading/users-and-items.js";
import { UsageError } from "../../base/errors.js";
import { towerExamples } from "./examples.js";
import { type TowersStart, openTowersInit } from "./warm-start.js";
import {
  columnsAsked,
  options,
  twoTowerOptionsOf,
  type GivenTwoTower,
  type TwoTowerOptions,
  historyOf,
} from "./options.js";
import { twoTowerNeeds } from "./partitions.js";

const command = "train-two-tower";

/** @param capable returns the capabilities of any trainer's run, since --init accepts all runs with vectors */
export const trainerWith = (capable: Capable): Trainer => ({
  command,
  description:
    "Trains a two-tower model and writes a run directory. The user tower computes a user's vector from the " +
    "user's history of items; its inner products with item vectors rank the items that the user takes next. " +
    "Vectors of new users need no training: use transform --fold-in.",
  examples: `
  embed train-two-tower fixtures/purchases.csv -o run --valid 0.1 --test 0.1
  embed train-two-tower fixtures/clicks.csv -o run --positive-from 1 --history 20 --user-tower 32
`,
  options,
  suits,
  checkpointEvery: 5,
  plan: (given) => plan(given, capable),
});

async function plan(given: GivenTwoTower, capable: Capable): Promise<Plan> {
  const towers = twoTowerOptionsOf(given);
  const init = await openTowersInit(given, towers, capable);
  const asked = columnsAsked(towers);
  const maxMemory = given.maxMemory ?? options.maxMemory.default();
  const features: FeatureModel<TwoTowerOptions, TowersStart> = {
    given,
    table: options,
    fields: [...asked, ...towers.userFields],
    optionsFor: () => ({ ...towers, ...(init && { dim: init.dim }) }),
    accept: (dataset) => accept(dataset, towers, given),
    async examples(space, parts, session) {
      const { minUsers = 0, itemFields, ...weighting } = session.options;
      const { watch, note } = session;
      const candidates = await readCandidates(towers.candidates, parts, session);
      const store = { beside: session.beside, maxMemory };
      const how = { minUsers, weighting, itemFields, candidates, watch, note, store };
      return await towerExamples(space, parts, towers, how);
    },
    learn: async (...args) => (await import("./train.js")).learnTowers(...args),
    needs: twoTowerNeeds({ ...towers, ...(init && { dim: init.dim }) }, maxMemory),
    streams: false,
    init,
    outcome: (outcome) => factorOutcome(outcome),
  };
  return { ...featurePlan(features), unlabelled: true, wholeFor: [command] };
}

function accept(
  dataset: Dataset,
  { userFields, itemTower }: TwoTowerOptions,
  { itemFields }: GivenTwoTower,
): { dataset: Dataset; notes: string[] } {
  const { roles } = dataset;
  // fails if the user column or the item column does not have one key per row
  featuresOfRoles(dataset, command, ["user", "item"]);
  const names = dataset.columns.map(({ name }) => name);
  const odd = userFields.find((name) => !names.includes(name) || name === roles.user || name === roles.item);
  if (odd !== undefined)
    throw new UsageError(
      `--user-fields names '${odd}', which is ` +
        (names.includes(odd)
          ? "the user or the item itself"
          : `not a column in use: columns are ${names.join(", ")}`),
    );
  if (itemTower.length > 0 && !itemFields)
    throw new UsageError(
      "--item-tower needs side columns of the item: name them with --item-fields (columns are " +
        `${names.join(", ")}), join others with --side, or omit --item-tower`,
    );
  const side = itemFields ?? [];
  const wanted = [roles.user!, roles.item!, ...userFields, ...side];
  const isWanted = (name: string) => wanted.includes(name);
  const found = featuresNamed(dataset, command, wanted, "users by their histories");
  const numeric = roles.numeric.filter(isWanted);
  const multi = Object.fromEntries(Object.entries(roles.multi).filter(([name]) => isWanted(name)));
  const isKey = (name: string) => !numeric.includes(name) && !Object.hasOwn(multi, name);
  const fields = found.dataset.roles.fields.filter(isKey);
  return {
    dataset: { ...found.dataset, roles: { ...found.dataset.roles, fields, numeric, multi } },
    notes: found.notes,
  };
}

/** For a log without times, a history is all other items of the user. */
function suits({ goal, roles }: LogTraits): Suits {
  if (goal === "predictions") return RANKS_ONLY;
  const options: GivenTwoTower =
    roles.time === undefined ? { history: historyOf("others", "--history") } : {};
  return { candidates: [{ name: "two-tower", options, effort: 20 }] };
}
