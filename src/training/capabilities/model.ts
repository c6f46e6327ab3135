// What a kind of model can do with a run that holds one. Commands ask for a capability, never for a name; what a kind of model
// lacks is absent here, and `trainers/index` refuses it in one way, with the commands whose runs have it.

import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import type { ReserveScheme } from "../../export/reserve.js";
import type { OutOfVocabulary } from "../../export/unknown-keys.js";
import type { ModelFacts, OnnxInput, RowTexts } from "../../export/selection.js";
import type { ReportedRun } from "../../report/content.js";
import type { FoldIn } from "./folded-keys.js";
import type { Forgetting } from "./forgetting/forgetting.js";
import type { KeyVectors } from "./key-vectors.js";
import { type Composition, type ScoringModel, readPreprocess, readSpace } from "./run-space.js";
import type { RankerFor } from "../../evaluation/rankers.js";
import type { RankedKeys, RankedUsers } from "../judging/ranked-items.js";
import type { Rotation } from "./rotation.js";
import type { RowPredictor } from "./row-predictor.js";
import type { EvaluatedOn, Scored } from "../judging/evaluate-scores.js";
import type { Transformed, TransformFlag, TransformOptions } from "../options/transform-options.js";
import type { Watch } from "../session/watch.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Scorer } from "../session/feature-training.js";

/** A kind of model. Each method takes a run whose manifest names it, and reads of it what it needs. */
export interface Model extends Capabilities {
  /** what a run of it holds, in words: `a linear model` */
  holds: string;
  /** the command that writes such runs, with the flag that chooses the model: `train-NAME --model linear` */
  command: string;
  /** why it lacks a capability, as a clause of a message, where that says more than who has it */
  lacks?: Partial<Record<keyof Capabilities, string>>;
}

/** What a kind of model may offer. All methods throw an ArtifactError for a damaged run. */
export interface Capabilities {
  /** Rotates its vectors while its predictions stay. */
  rotation?: (run: Run, table: EmbeddingTable) => Rotation | Promise<Rotation>;
  /** How a log's rows become its features. */
  preprocess?: (run: Run) => Promise<Preprocess>;
  /** Scores rows of its features. @param inPlace a table of the same rows, read in place of the run's */
  scorer?: (run: Run, inPlace?: EmbeddingTable) => Promise<ScoringModel>;
  /** Predicts rows of a log, one by one. */
  predictor?: (run: Run, how: { threads: number }) => Promise<RowPredictor>;
  /** Evaluates it by its scores of a log's rows, whose labels it predicts. */
  evaluate?: (run: Run, on: EvaluatedOn, watch: Watch) => Promise<Scored>;
  /** Ranks the items that it keeps. @param inPlace as scorer has it @throws {UsageError} the run keeps none */
  rank?: (run: Run, keys: RankedKeys, inPlace?: EmbeddingTable) => Promise<RankerFor<RankedUsers>>;
  /** Encodes rows of a log or of a table. */
  transform?: (run: Run, options: TransformOptions, watch: Watch) => Promise<Transformed>;
  /** how else it encodes rows */
  transformFlags?: readonly TransformFlag[];
  /** Encodes users or items that the run does not know, by their events (`options.foldIn`). */
  foldIn?: FoldIn;
  /** how a vector of a user ranks the rows of items, where these have no weights: of kinds without `rank` the only way */
  foldedRank?: "dot" | "cosine";
  /** Lets keys go out of it. */
  forgetting?: (run: Run) => Forgetting | Promise<Forgetting>;
  /** Adds up its features; says why where those of this run do not add up. */
  composition?: (run: Run) => Promise<Composition | { whyNot: string }>;
  /** which rows of user and item rank by their dot product as the model does: the table's, or composed ones alone */
  mips?: "rows" | "composed";
  /** the table of its items as contexts: an item's vector times another's row there says how well that one occurs near it */
  contexts?: string;
  /** what of its table its scores come from; a linear model's vectors are its weights */
  scoresBy?: "vectors" | "weights";
  /** What completes the table to w0 + sum w x + sum <v, v> x x. */
  secondOrder?: (run: Run) => Promise<ModelFacts>;
  /** A vector a key, for another model to start from. @throws {UsageError} this run has none */
  vectors?: (run: Run) => Promise<KeyVectors>;
  /** Returns the vectors that stand for keys without a row in a table of its run, or why there can be none. */
  unknownKeys?: (run: Run, of: UnknownKeysOf) => Promise<OutOfVocabulary | { whyNot: string }>;
  /** A text beside each row of a table; undefined where its rows have none. @param table undefined for the default one */
  rowTexts?: (run: Run, table: string | undefined) => Promise<RowTexts | undefined>;
  /** Its networks in ONNX. */
  networks?: Readonly<Partial<Record<NetworkName, WriteNetwork>>>;
  /** What a report has of it alone: importances of its columns, the greatest gain first, or what its items are composed of. */
  reported?: (run: Run) => Promise<Pick<ReportedRun, "importances" | "shares">>;
}

/** The table whose unknown keys need a vector. */
export interface UnknownKeysOf {
  table: EmbeddingTable;
  /** undefined for the default table */
  name: string | undefined;
}

/** What a network's file is to look like. */
export interface NetworkAsked {
  reserve?: ReserveScheme;
  onnxInput?: OnnxInput;
}

/** The whole network, or the tower that makes vectors of users or of items. */
export type NetworkName = "network" | "user" | "item";

/** Makes a network's file. @throws {UsageError} {DataError} the run has no such tower, or its fields or keys have no place in ONNX */
export type WriteNetwork = (run: Run, how: NetworkAsked) => Promise<NetworkFile>;

/** A network's file. */
export interface NetworkFile {
  chunks: Iterable<Uint8Array>;
  /** how many rows of vectors it holds */
  rows: number;
  /** what its inputs are, where their names do not say it */
  note?: string;
}

/** Kinds of models of one trainer, by the manifest's name. */
export type Models = Readonly<Record<string, Model>>;

/**
 * Finds a capability of a run's kind of model; the list of trainers has it.
 *
 * @param cannot what cannot be done without it, a clause of the message: `cannot be aligned`
 * @throws {UsageError} the kind lacks it
 */
export type Capable = <C extends keyof Capabilities>(
  run: Pick<Run, "path" | "manifest">,
  name: C,
  cannot: string,
) => Promise<NonNullable<Capabilities[C]>>;

/** Makes a run's scorer. @param table of the run, or rows in place of its own */
export type ReadScorer<S extends Scorer = Scorer> = (
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
) => Promise<S>;

async function opened<S extends Scorer>(
  read: ReadScorer<S>,
  run: Run,
  inPlace: EmbeddingTable | undefined,
): Promise<ScoringModel<S>> {
  const { preprocess, table, space } = await readSpace(run);
  return { ...(await read(run, space, inPlace ?? table)), space, preprocess };
}

/** Of any model over features. */
export function scoresRows(read: ReadScorer): Pick<Capabilities, "preprocess" | "scorer" | "predictor"> {
  return {
    preprocess: readPreprocess,
    scorer: (run, inPlace) => opened(read, run, inPlace),
    predictor: async (run, how) =>
      await (await import("./row-predictor.js")).predictorOf(await opened(read, run, undefined), how),
  };
}

/** Of one whose task has labels. */
export function predictsLabels(
  read: ReadScorer,
): Pick<Capabilities, "preprocess" | "scorer" | "predictor" | "evaluate"> {
  return {
    ...scoresRows(read),
    evaluate: async (run, on, watch) =>
      await (
        await import("../judging/evaluate-scores.js")
      ).evaluateScores(run, await opened(read, run, on.inPlace), on, watch),
  };
}

/** Of one that ranks items by vectors. */
export function ranksByVectors(
  read: ReadScorer<Required<Scorer>>,
): Pick<Capabilities, "preprocess" | "scorer" | "predictor" | "rank"> {
  return {
    ...scoresRows(read),
    rank: async (run, keys, inPlace) =>
      await (
        await import("../judging/ranked-items.js")
      ).rankByVectors(run, await opened(read, run, inPlace), keys),
  };
}
