// `embed train-ranking`: vectors by which an event's item scores above items that its user lacks.

import { factorOutcome } from "../../factors/outcome.js";
import { widthWarnings } from "../../factors/width-warnings.js";
import { checkState, earlierRun, goOn, readEarlier, type EarlierRun } from "../../factors/warm-start.js";
import { featurePlan, type FeatureModel } from "../../training/session/feature-plan.js";
import type { Run } from "../../embedding/run-directory.js";
import { openOwnRun } from "../../training/warm-start/own-runs.js";
import { rowsByFeature } from "../../training/examples/feature-table.js";
import { rankingExamples, readCandidates } from "../../training/examples/ranking-examples.js";
import type { Start } from "../../training/warm-start/start.js";
import type { Plan } from "../../training/session/plan.js";
import type { Trainer } from "../../training/session/trainer.js";
import { togetherNote } from "../../training/examples/training-examples.js";
import { checkDim, checkExpire } from "../../training/warm-start/warm-start.js";
import { ArtifactError, UsageError } from "../../errors.js";
import { BASE_TABLE } from "./names.js";
import { options, rankingOptionsOf, withL2, type RankingOptions, type GivenRanking } from "./options.js";
import { suits } from "./suits.js";

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
  checkExpire(given);
  if (given.freeze && ranking.layers > 0)
    throw new UsageError(
      "--freeze known and --layers cannot be combined: with --layers, new events change the vectors of their " +
        "neighbours",
    );
  if (given.freeze && ranking.optimizer === "sgd")
    throw new UsageError(
      "--freeze known and --optimizer sgd cannot be combined: use --optimizer adagrad, or train without --freeze",
    );
  const earlier = await openEarlier(given, ranking);
  const shared = earlier && { dim: earlier.model.parameters.dim };
  const features: FeatureModel<RankingOptions, Start> = {
    given,
    table: options,
    optionsFor: () => ({ ...ranking, ...shared }),
    accept: (dataset) => ({ dataset, notes: [] }),
    async examples(space, parts, session) {
      const { watch, note, warn } = session;
      const { minUsers = 0, itemFields, ...weighting } = session.options;
      const { seed, threads, k, metric, itemNeighbors: most, neighborWeight: weight } = ranking;
      if (earlier) for (const text of neighborDoubts(earlier.run, ranking)) warn(text);
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
    streams: false,
    ...(earlier && {
      earlier: { run: earlier.run, goOn: (fitted) => goOn(earlier, fitted, given) },
    }),
    doubts: (space, fm) => widthWarnings(space, fm),
    outcome: factorOutcome,
  };
  return { ...featurePlan(features), unlabelled: true, wholeFor: [command] };
}

/** The run of --init, if there is one. @throws {UsageError} it does not fit */
async function openEarlier(
  { init, dim }: GivenRanking,
  { loss, optimizer, layers }: RankingOptions,
): Promise<EarlierRun | undefined> {
  if (init === undefined) return undefined;
  const run = await openOwnRun(init, command);
  const earlier = await earlierRun(run, await readEarlier(run));
  const { space, parameters } = earlier.model;
  checkState(earlier, "loss", loss);
  checkState(earlier, "optimizer", optimizer, "adagrad");
  checkDim(run, parameters.dim, dim);
  if (layers === 0 || !run.tables.includes(BASE_TABLE)) return earlier;
  // layers go on from what stood before them
  const [before, table] = [await run.readTable(BASE_TABLE), await run.readTable()];
  if (before.dim !== table.dim || before.numRows !== table.numRows)
    throw new ArtifactError(
      `table '${BASE_TABLE}' of run '${run.path}' is ${before.numRows} x ${before.dim}, but the other table ` +
        `is ${table.numRows} x ${table.dim}: train the run again`,
    );
  return { ...earlier, model: { ...earlier.model, base: rowsByFeature(space, before.vectors, before.dim) } };
}

/** A sentence where vectors were fitted to other sums of features than these are. */
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
