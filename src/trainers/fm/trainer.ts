// `embed train-fm`: factorization machines, linear models and field-aware factorization machines that predict labels.

import type { Candidate, LogTraits, Suits, Trainer, Plan } from "../../training/session/trainer.js";
import type { Dataset } from "../../dataset/dataset.js";
import { labelsOf } from "../../dataset/labels.js";
import { UsageError } from "../../base/errors.js";
import { factorOutcome, widthWarnings } from "../shared/factor-model/outcome.js";
import type { FmParameters } from "../shared/factor-model/model.js";
import {
  checkState,
  factorInit,
  readFactorInit,
  type FactorInit,
  type FactorStart,
} from "../shared/factor-model/warm-start.js";
import { METHODS, type FmMethod } from "../../compute/kernels/fm/binding.js";
import { bytesOfFeature, numSliceGroups } from "../../compute/kernels/fm/slice-groups.js";
import { tableBytes, type Needs } from "../../training/session/needs.js";
import { checkDim, openInitRun } from "../../training/warm-start/init-run.js";
import { factsOfSize, featurePlan, type FeatureModel } from "../../training/session/feature-plan.js";
import { checkLabels, type ExampleOptions } from "../../training/shared-options/log.js";
import { BEFORE_DATA, type DataFacts, type LearnFunction } from "../../training/session/feature-training.js";
import { labelledOrDrawn } from "../../training/examples/training-examples.js";
import { fmOptionsOf, options, withL2, type FmOptions, type GivenFm } from "./options.js";
import { readLayout } from "./ffm/layout.js";
import { refuseProbit } from "./mcmc/link.js";

const command = "train-fm";

export const trainer: Trainer = {
  command,
  description:
    "Trains a factorization machine on a log and writes a run directory with a vector for each key of each " +
    "field.",
  examples: `
  embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1
  embed train-fm fixtures/purchases.csv -o run --negatives 4 --test 0.1
`,
  options,
  suits,
  checkpointEvery: 5,
  plan,
};

async function plan(asGiven: GivenFm): Promise<Plan> {
  const given = withL2(asGiven);
  check(given);
  // model, method and seed do not depend on the data, so they are determined before the log is read
  const { model, method, seed } = fmOptionsOf(given, BEFORE_DATA);
  const init = await openFmInit(given);
  const optionsFor = (facts: DataFacts) => ({ ...fmOptionsOf(given, facts), ...init?.shared });
  const features: FeatureModel<FmOptions, FactorStart> = {
    given,
    table: options,
    metric: given.metric,
    fields: Object.keys(given.l2Field ?? {}),
    optionsFor,
    accept,
    examples: (space, parts, { options: how, watch }) =>
      labelledOrDrawn(
        space,
        parts,
        {
          ...how,
          ...(given.task && { task: given.task }),
          seed,
          shuffle: given.shuffle ?? true,
          negativeDownsampling: given.negativeDownsampling ?? 1,
        },
        watch,
      ),
    learn: learnerOf(given),
    needs: fmNeeds(optionsFor, (given.negatives ?? 0) > 0),
    streams: method !== "als" && method !== "mcmc",
    init: factorInit(init, given),
    doubts: (space, fm) => (model === "fm" ? widthWarnings(space, fm, "--model lr") : []),
    outcome: (outcome) => factorOutcome(outcome, { isChain: method === "mcmc" }),
  };
  const isDrawn = (given.negatives ?? 0) > 0;
  return {
    ...featurePlan(features),
    unlabelled: isDrawn,
    // the default number of epochs suits click logs
    choosesRounds: ({ dataset }) =>
      isDrawn || !features.streams || labelsOf(dataset, given.positiveFrom, given.task).task === "binary"
        ? undefined
        : {},
  };

  function accept(dataset: Dataset, how: ExampleOptions) {
    checkLabels(dataset.roles, { ...how, ...given }, " or rank with embed train-ranking");
    return { dataset, notes: [] };
  }
}

/** @throws {UsageError} the options cannot be combined */
function check(given: GivenFm): void {
  const { model = "fm", method = "adagrad" } = given;
  if (model !== "fm" && (method === "als" || method === "mcmc"))
    throw new UsageError(
      `--method ${method} needs --model fm, got ${model}: use --method adagrad, sgd, ftrl or adam`,
    );
}

function learnerOf(given: GivenFm): LearnFunction<FmOptions, FactorStart> {
  const { model = "fm", method = "adagrad" } = given;
  if (method === "als" || method === "mcmc")
    return async (...of) => (await import("./mcmc/learn.js")).learnCoordinates(...of);
  if (model === "ffm") return async (...of) => (await import("./ffm/learn.js")).learnFfm(...of);
  return async (...of) => (await import("./learn.js")).learnFm(...of);
}

/**
 * Returns the models that a comparison of predictions trains; for a comparison of ranked lists, one that samples
 * negatives.
 */
function suits({ goal, task }: LogTraits): Suits {
  if (goal === "lists") return { candidates: [candidate("fm", 10, { negatives: 4 })] };
  return {
    candidates: [
      // a model with weights alone has one bias per key
      { ...candidate("lr", 2, { model: "lr" }), baseline: true },
      { ...candidate("fm", 3, {}), start: "too" },
      candidate("ffm", 15, { model: "ffm" }),
      ...(task === "regression" ? [candidate("fm-mcmc", 12, { method: "mcmc" })] : []),
    ],
  };
}

function candidate(name: string, effort: number, options: GivenFm): Candidate {
  return { name, options, effort };
}

/** Name in the manifest of a model of posterior draws. */
const DRAWS = "fm-draws";

interface FmInit extends FactorInit {
  shared: Partial<Pick<FmOptions, "dim" | "normalizeRows">>;
}

/**
 * Opens the run of --init, if there is one: a run of the same model, or of posterior draws, which its table represents.
 *
 * @throws {UsageError} it holds another model, or vectors of another length
 * @throws {ArtifactError} damaged
 */
async function openFmInit(given: GivenFm): Promise<FmInit | undefined> {
  const { init, model: wanted = "fm", method = "adagrad", dim, normalizeRows } = given;
  const run = await openInitRun(given, command);
  if (!run) return undefined;
  const { model: held } = run.manifest;
  if (held === DRAWS && wanted === "fm") refuseProbit(run, "--init");
  else if (held !== wanted)
    throw new UsageError(
      `--init '${init}' holds a '${held}' model, but a '${wanted}' model is needed: use a run that holds ` +
        "one, or train without --init",
    );
  const found = await readFactorInit(run);
  const layout = held === "ffm" ? await readLayout(run, found.table) : undefined;
  checkState(found, "method", method);
  const shared = layout
    ? { dim: layout.dim, normalizeRows: layout.normalizeRows }
    : held === "lr"
      ? {}
      : { dim: found.parameters.dim };
  if (shared.dim !== undefined) checkDim(run, shared.dim, dim);
  if (normalizeRows && !layout?.normalizeRows)
    throw new UsageError(
      `--init '${init}' was trained without --normalize-rows: omit it here too, or train without --init`,
    );
  const parameters = held === DRAWS ? await unscaled(found) : found.parameters;
  return { ...found, parameters, blocks: layout?.fields, shared };
}

/** Returns the mean of a run's draws: the table's parameters without the factor of its scores (mcmc/draws.ts). */
async function unscaled({ run, parameters, space }: FactorInit): Promise<FmParameters> {
  const { readEnsemble } = await import("./mcmc/learn.js");
  const { scaledBy } = await import("./mcmc/draws.js");
  const { tableScale = 1 } = await readEnsemble(run, space);
  return tableScale === 1 ? parameters : scaledBy(1 / tableScale, parameters);
}

/** Number of bytes of the chunks in which stored rows are read. */
const CHUNKS = 64 << 20;

/**
 * Estimates the memory: of the parameters with the optimizer's state, the copy of the best epoch and the table; and of
 * the rows, which are in the kernel's memory and again in memory for the metrics. Throws a UsageError if the machine
 * exceeds its limits.
 */
function fmNeeds(optionsFor: (facts: DataFacts) => FmOptions, isDrawn: boolean): Needs {
  const { model, method, dim: before, threads } = optionsFor(BEFORE_DATA);
  const isChain = method === "mcmc" || method === "als";
  return {
    dim: model === "lr" ? undefined : before,
    advice:
      (model === "ffm" ? "fewer --fields, or a --model with one vector per feature, need less; " : "") +
      "--min-count, --max-vocab and --hash FIELD:BITS leave fewer features, and embed encode with --max-memory keeps rows on disk",
    of(size, dim = model === "lr" ? 0 : optionsFor(factsOfSize(size, isDrawn)).dim) {
      const { trainRows, heldOutRows, features, cells, isStored } = size;
      // a field-aware machine has one vector per partner field
      const width = model === "ffm" ? dim * size.ofColumn.size : dim;
      const shape = {
        numFeatures: features,
        dim: width,
        method: Object.hasOwn(METHODS, method) ? (method as FmMethod) : ("adagrad" as const),
        hasRates: false,
        threads,
      };
      const feature = isChain
        ? 4 * (1 + width) + 16
        : bytesOfFeature(width, shape.method, shape.hasRates, threads);
      // a machine whose vectors are divided among several memories keeps its best epoch outside of them, so the model
      // and the table need no further copies
      const isDivided = !isChain && model !== "ffm" && numSliceGroups(shape) > 0;
      const numCopies = isDivided ? 0 : isChain || model === "ffm" ? 2 : 1;
      const copies = numCopies * 4 * (width + 1) + 16;
      const row = isChain ? 8 * cells + 40 : 8 * cells + 16;
      const rows = isStored ? CHUNKS + 4 * trainRows : trainRows * row;
      const heldOut = heldOutRows * (8 * cells + 16);
      return {
        memory: features * (feature + copies) + rows + heldOut,
        disk: 1.2 * tableBytes(size, width),
      };
    },
  };
}
