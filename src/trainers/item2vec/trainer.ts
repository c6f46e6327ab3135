// `embed train-item2vec`: a vector for each item, from what occurs around it in sessions.

import type { Dataset } from "../../dataset/dataset.js";
import { recipesOf } from "../../dataset/preprocess.js";
import { testVectors } from "../../dataset/test-vectors.js";
import { fitFeatures } from "../../dataset/vocabulary.js";
import { fieldsNamed } from "../../dataset/vocabulary-limits.js";
import { HISTORY_FILE, historyChunks } from "../../embedding/key-history.js";
import { DEFAULT_TABLE } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { readingRecipe } from "../../training/describe-run.js";
import { featureTable } from "../../training/feature-table.js";
import { nextHistory } from "../../training/key-history.js";
import { unfinishedWarnings } from "../../training/outcome-warnings.js";
import { countUnseen } from "../../training/parts.js";
import type { Fit, FitContents, Plan, Session, Source } from "../../training/plan.js";
import { earlierRows, rowOrderNotes } from "../../training/row-order.js";
import { preprocessFile } from "../../training/run-space.js";
import type { Trainer } from "../../training/trainer.js";
import { fieldWarnings } from "../../training/training-warnings.js";
import { featuresOfRoles } from "../../training/users-and-items.js";
import { columnsAsked } from "./goals.js";
import { CONTEXT_TABLE, ITEM2VEC_MODEL } from "./names.js";
import {
  checkItem2vecOptions,
  item2vecOptionsOf,
  options,
  type Item2vecOptions,
  type ToldItem2vec,
} from "./options.js";
import { sessionsOf } from "./sessions.js";

const command = "train-item2vec";

export const trainer: Trainer = {
  command,
  description:
    "Learns a vector for each item from the items around it in sessions (skip-gram with negative sampling) and writes a run directory: " +
    "a table of items, and one of contexts.",
  examples: `
  embed train-item2vec fixtures/purchases.csv -o run --dim 16
  embed train-item2vec fixtures/clicks.csv -o run --positive-from 1 --session-gap 30m --valid 0.1
`,
  options,
  checkpointEvery: 5,
  plan,
};

function plan(told: ToldItem2vec): Plan {
  checkItem2vecOptions(told);
  const item2vec = item2vecOptionsOf(told);
  const asked = columnsAsked(told);
  return {
    seed: item2vec.seed,
    unlabelled: true,
    wholeFor: [command],
    reading: readingWith(asked, told),
    accept(dataset, { eventWeight, halfLife }) {
      if ((dataset.roles.weight ?? eventWeight ?? halfLife) !== undefined)
        throw new UsageError(
          "train-item2vec counts an event once: leave out --weight, --event-weight and --half-life, or choose events with --where",
        );
      return featuresOfRoles(withoutFeatures(dataset, asked), command, ["item"]);
    },
    fit: async (source, session) => await fit(source, session, told, item2vec),
  };
}

/** What is read beside the items: the columns that options ask about, also where --fields leaves them out. */
function readingWith(asked: readonly string[], told: ToldItem2vec): NonNullable<Plan["reading"]> {
  const { fields, user, item, label, time, session, numeric = [], multi = {} } = told;
  const read = [fields ?? [], numeric, Object.keys(multi), user, item, label, time, session].flat();
  const more = asked.filter((column) => !read.includes(column));
  return {
    ...fieldsNamed({ ...told, others: asked }),
    ...(fields && more.length > 0 && { fields: [...fields, ...more] }),
  };
}

/** The dataset with these columns as no features: they are used otherwise, and no note says that they are left out. */
function withoutFeatures(dataset: Dataset, names: readonly string[]): Dataset {
  const { roles } = dataset;
  const isOther = (name: string) => name === roles.item || !names.includes(name);
  return {
    ...dataset,
    roles: { ...roles, fields: roles.fields.filter(isOther), numeric: roles.numeric.filter(isOther) },
  };
}

async function fit(
  { dataset, parts }: Source,
  { options: how, watch, warn, note, lap, controls, first }: Session,
  told: ToldItem2vec,
  item2vec: Item2vecOptions,
): Promise<Fit> {
  const rowOrder = await earlierRows(how.rowOrder);
  const space = fitFeatures(dataset, parts.train.rows, how, { earlier: rowOrder });
  for (const text of rowOrderNotes(space, rowOrder)) note(text);
  for (const text of fieldWarnings(space)) warn(text);
  countUnseen(space, parts, watch);
  const sessions = sessionsOf(space, parts, told, item2vec, { note, warn });
  lap("encode");

  const used = first ? { ...item2vec, epochs: Math.max(1, first.bestEpoch) } : item2vec;
  const { learnItem2vec } = await import("./learn.js");
  const model = await learnItem2vec(
    { space, ...sessions, controls },
    used,
    (event) => watch.observe({ stage: "epoch", epochs: used.epochs, ...event }),
    watch.signal,
  );
  lap("train");

  const { epochs, bestEpoch, interrupted } = model;
  const best = epochs[bestEpoch - 1]!;
  const { validLoss } = best;
  const course = {
    values: epochs.flatMap((event) => event.validLoss ?? []),
    better: "lower",
    name: "loss",
    ...{ done: epochs.length, most: used.epochs, flag: "--epochs", best: bestEpoch },
  } as const;
  if (!interrupted) for (const text of unfinishedWarnings(course)) warn(text);
  return {
    judged: {
      options: { ...used },
      metrics: {
        train: { pairLoss: best.trainLoss },
        ...(validLoss !== undefined && { valid: { pairLoss: validLoss } }),
      },
      ...{ epochs, bestEpoch },
    },
    interrupted,
    contents(): FitContents {
      const { roles } = dataset;
      const preprocess = {
        roles,
        task: "implicit" as const,
        fields: recipesOf(space, roles),
        ...readingRecipe(how, dataset),
        labelRange: [0, 1] as [number, number],
        negatives: null,
        testVectors: testVectors(space, roles),
      };
      const { dim } = used;
      return {
        model: ITEM2VEC_MODEL,
        tables: {
          [DEFAULT_TABLE]: featureTable(space, { dim, vectors: model.vectors }),
          [CONTEXT_TABLE]: featureTable(space, { dim, vectors: model.contexts }),
        },
        files: {
          ...preprocessFile(preprocess),
          [HISTORY_FILE]: historyChunks(nextHistory(space, dataset)),
        },
        chosen: { learningRate: model.learningRate },
      };
    },
  };
}
