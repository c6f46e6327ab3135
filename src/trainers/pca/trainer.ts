// `embed train-pca`: principal components of users and items, of features, or of numeric columns.

import type {
  LogTraits,
  Suits,
  Trainer,
  Fit,
  FitContents,
  Plan,
  Session,
  TrainingInput,
} from "../../training/session/trainer.js";
import { fieldsNamed } from "../../dataset/vocabulary/vocabulary-limits.js";
import { HISTORY_FILE, historyChunks } from "../../table/key-history.js";
import type { PartMetrics } from "../../table/manifest.js";
import type { RowOrder } from "../../dataset/vocabulary/vocabulary.js";
import { differenceOf, valueOf, type UserMetric } from "../../metrics/user-metric.js";
import { DEFAULT_TABLE } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { holdOutInside } from "../../training/reading/split-parts.js";
import { listMetric } from "../../training/shared-options/passes.js";
import { nextHistory, readRowOrder, rowOrderNotes } from "../../training/warm-start/carried-keys.js";
import { negativeFiles } from "../../training/examples/item-file.js";
import { preprocessFile } from "../../training/capabilities/run-space.js";
import type { PcaJob } from "./decompose-splits.js";
import type { Watch } from "../../training/session/watch.js";
import {
  HISTORY_TABLE,
  historyTable,
  PCA_MODELS,
  pcaModelFiles,
  pcaTable,
  type PcaModel,
} from "./artifact.js";
import { pcaNeeds } from "./memory.js";
import { checkPcaOptions, options, pcaOptionsOf, type PcaOptions, type GivenPca } from "./options.js";
import { eventPreprocessOf } from "../../training/session/describe-run.js";

export const trainer: Trainer = {
  command: "train-pca",
  description:
    "Computes principal components of a log and writes a run directory with a vector for each user and item, " +
    "each feature, or each column.",
  examples: `
  embed train-pca fixtures/purchases.csv -o run --user customer_id --item product_id --test 0.1
  embed train-pca fixtures/clicks.csv -o run --matrix features --dim 16
`,
  options,
  suits,
  plan,
};

function plan(given: GivenPca): Plan {
  checkPcaOptions(given);
  const pca = pcaOptionsOf(given);
  return {
    seed: pca.seed,
    unlabelled: pca.matrix !== "features" && pca.matrix !== "columns",
    wholeFor: ["train-pca"],
    reading: { ...fieldsNamed(given), ...(pca.matrix === "columns" && { integersAreNumbers: true }) },
    accept(dataset, { eventWeight, halfLife }) {
      const isWeighted = (dataset.roles.weight ?? eventWeight ?? halfLife) !== undefined;
      if ((pca.matrix === "cooccurrence" || pca.matrix === "transitions") && isWeighted)
        throw new UsageError(
          `--matrix ${pca.matrix} cannot be combined with --weight, --event-weight or --half-life`,
        );
      return { dataset, notes: [] };
    },
    comparedBy: () => listMetric(pca),
    needs: pcaNeeds(pca, isOpen(given, pca), given.maxMemory),
    fit: async (source, session) => await fit(source, session, given, pca),
  };
}

async function fit(
  source: TrainingInput,
  session: Session,
  given: GivenPca,
  standard: PcaOptions,
): Promise<Fit> {
  const { dataset, parts } = source;
  const { options: how, watch, note, lap } = session;
  const { decomposeParts } = await import("./decompose-splits.js");
  const rowOrder = await readRowOrder(how.rowOrder);
  const normalize = await normalizationOf(source, session, given, standard, rowOrder);
  const pca = { ...standard, normalize };
  const found = await decomposeParts({
    ...{ dataset, parts, rowOrder, options: how, watch, memory: memoryOf(session) },
    pca: { ...pca, asked: given.dim },
  });
  const { space, model, negatives, part } = found;
  for (const text of rowOrderNotes(space, rowOrder)) note(text);
  tellOf(model, given.dim, pca, watch);
  lap("train");

  const { metrics: heldOut, validByUser, vectorsAdd } = await found.heldOut();
  const ratios = model.explainedVarianceRatio && [...model.explainedVarianceRatio];
  const metrics: Record<string, PartMetrics> = {
    ...(ratios && {
      train: {
        explainedVarianceRatioTotal: ratios.reduce((sum, x) => sum + x, 0),
        explainedVarianceRatio: ratios,
      },
    }),
    ...heldOut,
  };
  lap("evaluate");
  return {
    evaluated: { options: { ...pca, dim: model.dim }, metrics, vectorsAdd, epochs: [], bestEpoch: 0 },
    interrupted: false,
    ...(validByUser && { byUnit: () => Promise.resolve(validByUser) }),
    contents(): FitContents {
      const { roles } = part.dataset;
      const kept = negatives && {
        perEvent: 0,
        noise: "uniform" as const,
        itemFields: negatives.itemFields,
      };
      return {
        model: PCA_MODELS[pca.matrix],
        tables: {
          [DEFAULT_TABLE]: pcaTable(space, model),
          ...(model.history && {
            [HISTORY_TABLE]: historyTable(space, roles.item!, model.dim, model.history),
          }),
        },
        files: {
          ...pcaModelFiles(model),
          ...preprocessFile(eventPreprocessOf(space, { dataset, roles }, how, kept)),
          ...(negatives && negativeFiles(negatives.source)),
          [HISTORY_FILE]: historyChunks(nextHistory(space, part.dataset)),
        },
        // a refit uses all rows, whose matrix may have a higher rank than that of the training rows
        chosen: { dim: model.dim },
        metricsLines: Array.from(model.singularValues, (singularValue, d) => ({
          ...{ component: d + 1, singularValue, explainedVariance: model.explainedVariance[d]! },
          ...(ratios && { explainedVarianceRatio: ratios[d]! }),
        })),
        manifest: { roles },
      };
    },
  };
}

function memoryOf({ options, beside }: Session): PcaJob["memory"] {
  return { most: options.maxMemory, beside };
}

/** Returns whether the log decides the normalization. */
function isOpen({ normalize, response, degreePower, search }: GivenPca, pca: PcaOptions): boolean {
  return (
    pca.matrix === "interactions" &&
    pca.normalize === "degree" &&
    [normalize, response, degreePower, search].every((own) => own === undefined)
  );
}

/**
 * Returns the normalization of users x items. If the user set none, both are tried and that with the better metric on
 * the validation split is used, or on a tenth of the training events if there is no such split: neither is better on all
 * logs, and a decomposition takes only seconds.
 */
async function normalizationOf(
  { dataset, parts }: TrainingInput,
  session: Session,
  given: GivenPca,
  pca: PcaOptions,
  rowOrder: RowOrder,
): Promise<PcaOptions["normalize"]> {
  const { options, watch, note, first, isTrial } = session;
  if (first) return (first.options as PcaOptions).normalize;
  if (isTrial || !isOpen(given, pca)) return pca.normalize;
  const split = parts.valid
    ? { ...parts, test: undefined }
    : holdOutInside(dataset, parts, options, pca.seed);
  if (!split) return pca.normalize;
  const { decomposeParts } = await import("./decompose-splits.js");
  const silent = { ...watch, observe: () => undefined };
  const memory = memoryOf(session);
  const measured = async (normalize: PcaOptions["normalize"]): Promise<UserMetric | undefined> => {
    const own = { ...pca, normalize, asked: given.dim };
    const trial = { dataset, parts: split, rowOrder, options, watch: silent, pca: own, memory };
    const found = await decomposeParts(trial);
    const { validByUser } = await found.heldOut();
    return validByUser?.find(({ name }) => name === listMetric(pca));
  };
  const [degree, none] = [await measured("degree"), await measured("none")];
  if (!degree || !none) return pca.normalize;
  const chosen = valueOf(none) > valueOf(degree) ? "none" : "degree";
  const [better, worse] = chosen === "none" ? [none, degree] : [degree, none];
  const difference = differenceOf(better, worse);
  const between = difference
    ? `, 95 % interval of the difference ${difference.low.toPrecision(2)} to ${difference.high.toPrecision(2)}`
    : "";
  note(
    `--normalize ${chosen}, chosen on ${parts.valid ? "the validation split" : "a tenth of the training events"}: ${pca.metric}@${pca.k} ${valueOf(better).toFixed(4)}, with ` +
      `${chosen === "none" ? "degree" : "none"} ${valueOf(worse).toFixed(4)}${between}`,
  );
  return chosen;
}

function tellOf(model: PcaModel, askedDim: number | undefined, pca: PcaOptions, { observe }: Watch): void {
  const { rows, columns, entries } = model.size;
  const n = (x: number) => x.toLocaleString("en");
  const how =
    model.method === "exact"
      ? "exactly, using the Gram matrix of the shorter side"
      : `with block Lanczos, ${model.restarts} restarts, residual ${model.residual.toExponential(1)}`;
  observe({
    stage: "note",
    text: `${n(rows)} x ${n(columns)} with ${n(entries)} entries decomposed ${how}`,
  });
  // the default number of components of --matrix columns is the number of columns
  if (model.dim < (askedDim ?? Math.min(pca.dim, columns))) {
    const text = `the matrix has numerical rank ${model.dim}: --dim ${pca.dim} is reduced to ${model.dim}`;
    observe({ stage: askedDim === undefined ? "note" : "warning", text });
  }
  if (model.residual > pca.tolerance) {
    observe({
      stage: "warning",
      text:
        `the last components did not converge: residual ${model.residual.toExponential(1)}, --tolerance ` +
        `${pca.tolerance}; components with nearly equal singular values may be mixed`,
    });
  }
}

/**
 * A comparison trains, for ranked lists, users x items, degree-normalized (the default) and plain (a baseline), and
 * transitions if the log has times; for predictions, rows x features, whose vectors networks start from.
 */
function suits({ goal, roles }: LogTraits): Suits {
  if (goal === "predictions") {
    // default dimension of a network's embedding vectors
    const features: GivenPca = { matrix: "features", dim: 16 };
    return { candidates: [{ name: "pca", options: features, effort: 1, baseline: true, start: "only" }] };
  }
  const degree: GivenPca = { normalize: "degree" };
  const plain: GivenPca = { normalize: "none" };
  const transitions: GivenPca = { matrix: "transitions" };
  return {
    candidates: [
      { name: "pca", options: degree, effort: 1 },
      { name: "pca-plain", options: plain, effort: 1, baseline: true },
      ...(roles.time === undefined ? [] : [{ name: "transitions", options: transitions, effort: 1 }]),
    ],
  };
}
