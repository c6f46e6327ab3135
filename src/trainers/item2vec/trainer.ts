import {
  RANKS_ONLY,
  type LogTraits,
  type Suits,
  type Trainer,
  type Fit,
  type Plan,
  type Session,
  type TrainingInput,
} from "../../training/session/trainer.js";
import type { Dataset } from "../../dataset/dataset.js";
import { releaseColumns } from "../../dataset/stored-columns.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { fieldsNamed } from "../../dataset/vocabulary/vocabulary-limits.js";
import { DEFAULT_TABLE } from "../../table/run-directory.js";
import { unfinishedWarnings, vectorWarnings } from "../../training/warnings/outcome-warnings.js";
import { unmeasuredWarnings } from "../../training/warnings/training-warnings.js";
import { countUnseen } from "../../training/reading/split-parts.js";
import { countedEvents } from "../shared/skip-grams/sessions.js";
import { columnsAsked } from "./goals.js";
import { contentsOf, skipGramBytes, skipGramDisk } from "../shared/skip-grams/contents.js";
import { CONTEXT_TABLE } from "../shared/skip-grams/capabilities.js";
import { ITEM2VEC_MODEL } from "./models.js";
import {
  checkItem2vecOptions,
  item2vecOptionsOf,
  stoppingMetricOf,
  options,
  withLearningRate,
  type Item2vecOptions,
  type GivenItem2vec,
} from "./options.js";
import { sessionsOf, acceptTokens } from "./sessions.js";
import { startOf, openSgnsInit, type SgnsInit } from "../shared/skip-grams/warm-start.js";
import { numAlone, vocabularyOf } from "../shared/skip-grams/vocabulary.js";
import { validationOf, validMetrics } from "./validation.js";
import type { Needs } from "../../training/session/needs.js";

const command = "train-item2vec";

const VECTOR_ADVICE =
  "Try another session (--session, --session-gap), more events, or train-pca --matrix cooccurrence, and check that " +
  "the order of a session says something about its items";

export const trainer: Trainer = {
  command,
  description:
    "Learns a vector for each item from the items around it in sessions (skip-gram with negative sampling) " +
    "and writes a run directory with a table of item vectors and one of context vectors.",
  examples: `
  embed train-item2vec fixtures/purchases.csv -o run --dim 16
  embed train-item2vec fixtures/clicks.csv -o run --positive-from 1 --session-gap 30m --valid 0.1
`,
  options,
  suits,
  checkpointEvery: 5,
  plan,
};

async function plan(given: GivenItem2vec): Promise<Plan> {
  checkItem2vecOptions(given);
  const asked = columnsAsked(given);
  const init = await openSgnsInit(given, command);
  const item2vec = { ...item2vecOptionsOf(given), ...(init && { dim: init.dim }) };
  return {
    seed: item2vec.seed,
    unlabelled: true,
    init: init?.run,
    reading: { ...readingWith(asked, given), inSequence: true },
    accept: (dataset) => acceptTokens(withoutFeatures(dataset, asked), command, given.tokens),
    comparedBy: () => (item2vec.metric === "loss" ? "pairLoss" : stoppingMetricOf(item2vec).name),
    needs: item2vecNeeds(item2vec),
    fit: async (source, session) => await fit(source, session, given, item2vec, init),
  };
}

/** Reads the columns that other options name, even if --fields does not list them. */
function readingWith(asked: readonly string[], given: GivenItem2vec): NonNullable<Plan["reading"]> {
  const { fields, user, item, label, time, session, numeric = [], multi = {} } = given;
  const read = [fields ?? [], numeric, Object.keys(multi), user, item, label, time, session].flat();
  const more = asked.filter((column) => !read.includes(column));
  return {
    ...fieldsNamed({ ...given, others: [...(given.tokens ?? []), ...asked] }),
    ...(fields && more.length > 0 && { fields: [...fields, ...more] }),
  };
}

/** Removes columns from the features because they are used otherwise, so that no note calls them ignored. */
function withoutFeatures(dataset: Dataset, names: readonly string[]): Dataset {
  const { roles } = dataset;
  const isOther = (name: string) => name === roles.item || !names.includes(name);
  return {
    ...dataset,
    roles: { ...roles, fields: roles.fields.filter(isOther), numeric: roles.numeric.filter(isOther) },
  };
}

async function fit(
  { dataset, parts }: TrainingInput,
  { options: how, watch, warn, note, lap, controls, first }: Session,
  given: GivenItem2vec,
  item2vec: Item2vecOptions,
  init: SgnsInit | undefined,
): Promise<Fit> {
  const counted = countedEvents(parts.train, how);
  const vocabulary = await vocabularyOf(dataset, parts.train.rows, how, init, given, { note, warn });
  const { space, carried } = vocabulary;
  const start = init && carried && startOf(init, carried, given.freeze !== undefined);
  countUnseen(space, parts, watch);
  const sessions = sessionsOf(space, parts, counted, given, item2vec, { note, warn });
  const { train, valid: heldOut, totals, beside } = sessions;
  for (const text of aloneWarnings(space, totals)) warn(text);
  if (!first) for (const text of unmeasuredWarnings(parts)) warn(text);
  const items = totals.reduce((n, total) => n + (total > 0 ? 1 : 0), 0);
  const standard = withLearningRate(
    first ? (first.options as Item2vecOptions) : item2vec,
    train.tokens.length / items,
  );
  const valid = first
    ? undefined
    : validationOf({ space, heldOut, totals, dataset, parts }, standard, given, warn);
  releaseColumns(dataset);
  lap("encode");

  const input = { space, train, valid, totals, start, beside };
  // a refit decays the learning rate as the evaluated training did up to its best epoch
  const used = first ? { ...standard, epochs: Math.max(1, first.bestEpoch) } : standard;
  const { learnItem2vec } = await import("./learn.js");
  const model = await learnItem2vec(
    {
      ...{ ...input, scheduledEpochs: standard.epochs },
      controls: { ...controls, keepsState: given.keepState ?? false },
    },
    used,
    (event) => watch.observe({ stage: "epoch", epochs: used.epochs, ...event }),
    watch.signal,
  );
  lap("train");

  const { epochs, bestEpoch, interrupted, vectorsAdd } = model;
  const best = epochs[bestEpoch - 1]!;
  const stoppingMetric = stoppingMetricOf(standard);
  const course = {
    values: epochs.flatMap((event) => event[stoppingMetric.name] ?? []),
    losses: epochs.map(({ trainLoss }) => trainLoss),
    better: stoppingMetric.better,
    name: standard.metric,
    ...{ done: epochs.length, most: used.epochs, flag: "--epochs", best: bestEpoch },
  };
  if (!interrupted) for (const text of unfinishedWarnings(course)) warn(text);
  for (const text of vectorWarnings(vectorsAdd, VECTOR_ADVICE)) warn(text);
  return {
    evaluated: {
      options: { ...used },
      metrics: { train: { pairLoss: best.trainLoss }, ...(valid && { valid: validMetrics(best) }) },
      ...{ vectorsAdd, epochs, bestEpoch },
    },
    interrupted,
    contents: () =>
      contentsOf(
        ITEM2VEC_MODEL,
        vocabulary,
        dataset,
        how,
        {
          [DEFAULT_TABLE]: { dim: used.dim, vectors: model.vectors },
          [CONTEXT_TABLE]: { dim: used.dim, vectors: model.contexts },
        },
        model.squares && [model.squares],
      ),
  };
}

function aloneWarnings(space: FeatureSpace, totals: Float64Array): string[] {
  const alone = numAlone(space, totals);
  return alone === 0
    ? []
    : [
        `${alone} keys occur in no session with two or more events and keep their random initial vectors: ` +
          "--min-count drops rare keys, a longer --session-gap joins sessions",
      ];
}

/** Without a session column, a session is a user's events. */
function suits({ goal }: LogTraits): Suits {
  return goal === "predictions" ? RANKS_ONLY : { candidates: [{ name: "item2vec", options: {}, effort: 6 }] };
}

/** Memory: vectors and contexts of items, and the stream of an epoch: tokens, windows, order of sessions. */
function item2vecNeeds({ dim: given, threads }: Item2vecOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer items, and --where fewer events",
    of({ trainRows, heldOutRows, features, keyBytes }, dim = given) {
      return {
        memory: skipGramBytes(features, dim, threads) + 40 * trainRows + 16 * heldOutRows,
        disk: skipGramDisk(features, dim, keyBytes),
      };
    },
  };
}
