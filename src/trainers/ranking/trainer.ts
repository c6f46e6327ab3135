// `embed train-ranking`: learns vectors by which an event's item scores above items that its user lacks.

import {
  RANKS_ONLY,
  type LogTraits,
  type Suits,
  type Trainer,
  type Plan,
} from "../../training/session/trainer.js";
import { factorOutcome, widthWarnings } from "../shared/factor-model/outcome.js";
import {
  checkState,
  type FactorStart,
  factorInit,
  openFactorInit,
  type FactorInit,
} from "../shared/factor-model/warm-start.js";
import type { Dataset } from "../../dataset/dataset.js";
import { inMemory, isStored } from "../../dataset/stored-columns.js";
import { featurePlan, type FeatureModel } from "../../training/session/feature-plan.js";
import type { Run } from "../../table/run-directory.js";
import { rowsByFeature } from "../../training/examples/feature-table.js";
import { rankingExamples, readCandidates } from "../../training/examples/ranking-examples.js";
import { togetherNote } from "../../training/examples/training-examples.js";
import { ArtifactError, UsageError } from "../../base/errors.js";
import { BASE_TABLE } from "./models.js";
import { options, rankingOptionsOf, withL2, type RankingOptions, type GivenRanking } from "./options.js";
import { rankingNeeds } from "./memory.js";

const command = "train-ranking";

export const trainer: Trainer = {
  command,
  description:
    "Learns to rank items from events without labels and writes a run directory with vectors of users, items " +
    "and their side features. Training makes items that a user has score above items that the user does not " +
    "have.",
  examples: `
  embed train-ranking fixtures/purchases.csv -o run --valid 0.1 --test 0.1
  embed train-ranking fixtures/clicks.csv -o run --positive-from 1 --loss sampled-softmax --valid 0.1
`,
  options,
  suits,
  checkpointEvery: 5,
  plan,
};

async function plan(asGiven: GivenRanking): Promise<Plan> {
  const given = withL2(asGiven);
  const ranking = rankingOptionsOf(given);
  if (given.freeze && ranking.layers > 0)
    throw new UsageError(
      "--freeze known and --layers cannot be combined: with --layers, new events change the vectors of their " +
        "neighbors",
    );
  if (given.freeze && ranking.optimizer === "sgd")
    throw new UsageError(
      "--freeze known and --optimizer sgd cannot be combined: use --optimizer adagrad, or train without --freeze",
    );
  const init = await openRankingInit(given, ranking);
  const features: FeatureModel<RankingOptions, FactorStart> = {
    given,
    table: options,
    optionsFor: () => ({ ...ranking, ...(init && { dim: init.parameters.dim }) }),
    accept: inMemoryUnlessPairs,
    async examples(space, parts, session) {
      const { watch, note, warn } = session;
      const { minUsers = 0, itemFields, ...weighting } = session.options;
      const { seed, threads, k, metric, itemNeighbors: most, neighborWeight: weight } = ranking;
      if (init) for (const text of neighborDoubts(init.run, ranking)) warn(text);
      const examples = rankingExamples(
        space,
        parts,
        {
          task: "ranking",
          asker: command,
          ...{ seed, threads, minUsers, weighting, lists: { k, metric } },
          candidates: await readCandidates(ranking.candidates, parts, session),
          itemFields,
          ...(most !== undefined && { neighbors: { most, weight } }),
        },
        watch,
      );
      note(togetherNote(examples, itemFields));
      return examples;
    },
    learn: async (...args) => (await import("./learn.js")).learnRanking(...args),
    needs: rankingNeeds(
      { ...ranking, ...(init && { dim: init.parameters.dim }) },
      given.maxMemory ?? options.maxMemory.default(),
    ),
    streams: false,
    readsBefore: true,
    init: factorInit(init, given),
    doubts: widthWarnings,
    outcome: factorOutcome,
  };
  return { ...featurePlan(features), unlabelled: true };
}

/** Reads rows on disk into memory if they have other features than a user and an item, because events need all of these. */
function inMemoryUnlessPairs(dataset: Dataset): { dataset: Dataset; notes: string[] } {
  const { fields, numeric, multi } = dataset.roles;
  const isPairs = fields.length + numeric.length + Object.keys(multi).length <= 2;
  if (isPairs || !isStored(dataset)) return { dataset, notes: [] };
  const note = `${command} reads all rows into memory, because they have other features than users and items`;
  return { dataset: inMemory(dataset), notes: [note] };
}

async function openRankingInit(
  given: GivenRanking,
  { loss, optimizer, layers }: RankingOptions,
): Promise<FactorInit | undefined> {
  const init = await openFactorInit(given, command);
  if (!init) return undefined;
  const { run, space, table } = init;
  checkState(init, "loss", loss);
  checkState(init, "optimizer", optimizer, "adagrad");
  if (layers === 0 || !run.tables.includes(BASE_TABLE)) return init;
  // a model with propagation layers is trained further from the vectors before these layers
  const before = await run.readTable(BASE_TABLE);
  if (before.dim !== table.dim || before.numRows !== table.numRows)
    throw new ArtifactError(
      `table '${BASE_TABLE}' of run '${run.path}' is ${before.numRows} x ${before.dim}, but the other table ` +
        `is ${table.numRows} x ${table.dim}: train the run again`,
    );
  return { ...init, base: rowsByFeature(space, before.vectors, before.dim) };
}

function neighborDoubts({ path, manifest }: Run, own: RankingOptions): string[] {
  const [was, is] = [neighborText(manifest.options), neighborText(own)];
  if (was === is) return [];
  return [
    `--init '${path}' was trained with ${was}, but this training has ${is}: item vectors are sums over ` +
      "different features",
  ];
}

function neighborText({ itemNeighbors, neighborWeight }: Partial<RankingOptions>): string {
  if (itemNeighbors === undefined) return "no --item-neighbors";
  return `--item-neighbors ${itemNeighbors} --neighbor-weight ${neighborWeight}`;
}

/** A comparison trains the default pairwise loss, and a softmax; of cosines, if there are users and items alone. */
function suits({ goal, roles: { fields, numeric, multi } }: LogTraits): Suits {
  if (goal === "predictions") return RANKS_ONLY;
  const isPairs = fields.length + numeric.length + Object.keys(multi).length === 2;
  const softmax: GivenRanking = { loss: "sampled-softmax", ...(isPairs && { similarity: "cosine" }) };
  return {
    candidates: [
      { name: "ranking-softmax", options: softmax, effort: 8 },
      { name: "ranking", options: {}, effort: 30 },
    ],
  };
}
