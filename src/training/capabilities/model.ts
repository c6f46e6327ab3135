// The capabilities of a kind of model, as far as a run holds one. Commands ask for a capability, never for a model's
// name. A capability that a kind lacks is absent here; `trainers/index` then throws an error that lists the commands
// whose runs have it.

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

/** A kind of model. Each method takes a run whose manifest names this kind, and reads the files that it needs. */
export interface Model extends Capabilities {
  /** what a run of this kind holds, in words: `a linear model` */
  holds: string;
  /** the command that writes such runs, with the flag that chooses the model: `train-NAME --model linear` */
  command: string;
  /** the reason why the kind lacks a capability, as a clause of the error, if more is to say than who has it */
  lacks?: Partial<Record<keyof Capabilities, string>>;
}

/** The capabilities that a kind of model may have. All methods throw an ArtifactError for a damaged run. */
export interface Capabilities {
  /** Finds the rotations of the run's vectors that leave its predictions unchanged. */
  rotation?: (run: Run, table: EmbeddingTable) => Rotation | Promise<Rotation>;
  /** Reads how rows of a log become the model's features. */
  preprocess?: (run: Run) => Promise<Preprocess>;
  /** Opens the model to score feature rows. @param inPlace a table with the same rows, used in place of the run's */
  scorer?: (run: Run, inPlace?: EmbeddingTable) => Promise<ScoringModel>;
  /** Opens the model to predict rows of a log one by one. */
  predictor?: (run: Run, how: { threads: number }) => Promise<RowPredictor>;
  /** Evaluates the model's scores of a log's rows against their labels. */
  evaluate?: (run: Run, on: EvaluatedOn, watch: Watch) => Promise<Scored>;
  /** Ranks the items that the run stores. @param inPlace as in `scorer` @throws {UsageError} the run stores no items */
  rank?: (run: Run, keys: RankedKeys, inPlace?: EmbeddingTable) => Promise<RankerFor<RankedUsers>>;
  /** Encodes rows of a log or of a table. */
  transform?: (run: Run, options: TransformOptions, watch: Watch) => Promise<Transformed>;
  /** the flags of `transform` that choose another encoding */
  transformFlags?: readonly TransformFlag[];
  /** Computes vectors for users or items that are not in the run, from the events in `options.foldIn`. */
  foldIn?: FoldIn;
  /** similarity of a folded-in user's vector and item rows without weights; kinds without `rank` rank by it alone */
  foldedRank?: "dot" | "cosine";
  /** Removes keys from the run. */
  forgetting?: (run: Run) => Forgetting | Promise<Forgetting>;
  /** Composes rows from the vectors of their features; says why if that is impossible for this run. */
  composition?: (run: Run) => Promise<Composition | { whyNot: string }>;
  /** which user and item rows have dot products that rank as the model does: the table's rows, or only composed rows */
  mips?: "rows" | "composed";
  /** name of the table of items as contexts: its dot product with an item's vector scores how well the two co-occur */
  contexts?: string;
  /** whether scores use the table's vectors or its weights; a linear model's vectors are its weights */
  scoresBy?: "vectors" | "weights";
  /** Reads what the table lacks to compute w0 + sum w x + sum <v, v> x x. */
  secondOrder?: (run: Run) => Promise<ModelFacts>;
  /** Returns a vector per key, from which another model can start. @throws {UsageError} this run has none */
  vectors?: (run: Run) => Promise<KeyVectors>;
  /** Returns the vectors that stand for keys without a row in a table of its run, or why there can be none. */
  unknownKeys?: (run: Run, of: UnknownKeysOf) => Promise<OutOfVocabulary | { whyNot: string }>;
  /** Reads a text per row of a table; undefined if its rows have none. @param table undefined for the default table */
  rowTexts?: (run: Run, table: string | undefined) => Promise<RowTexts | undefined>;
  /** Writers of the run's networks in ONNX. */
  networks?: Readonly<Partial<Record<NetworkName, WriteNetwork>>>;
  /**
   * Reads what a report shows of this kind alone: importances of columns, greatest gain first, or the shares of items.
   */
  reported?: (run: Run) => Promise<Pick<ReportedRun, "importances" | "shares">>;
}

/** The table whose unknown keys need a vector. */
export interface UnknownKeysOf {
  table: EmbeddingTable;
  /** undefined for the default table */
  name: string | undefined;
}

/** Options of an exported network. */
export interface NetworkAsked {
  reserve?: ReserveScheme;
  onnxInput?: OnnxInput;
}

/** The whole network, or the tower that computes vectors of users or of items. */
export type NetworkName = "network" | "user" | "item";

/**
 * Exports a network.
 * @throws {UsageError} {DataError} the run has no such tower, or ONNX cannot express its fields or keys
 */
export type WriteNetwork = (run: Run, how: NetworkAsked) => Promise<NetworkFile>;

/** An exported network. */
export interface NetworkFile {
  chunks: Iterable<Uint8Array>;
  /** number of rows of the vectors in it */
  rows: number;
  /** explains the network's inputs, if their names do not */
  note?: string;
}

/** The kinds of models of one trainer, by their name in the manifest. */
export type Models = Readonly<Record<string, Model>>;

/**
 * Returns a capability of a run's kind of model; the list of trainers implements it.
 *
 * @param cannot says what is impossible without the capability, as a clause of the message: `cannot be aligned`
 * @throws {UsageError} the kind lacks it
 */
export type Capable = <C extends keyof Capabilities>(
  run: Pick<Run, "path" | "manifest">,
  name: C,
  cannot: string,
) => Promise<NonNullable<Capabilities[C]>>;

/** Reads a run's scorer. @param table the run's table, or one with the same rows to use in its place */
export type ReadScorer<S extends Scorer = Scorer> = (
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
) => Promise<S>;

async function readScoringModel<S extends Scorer>(
  read: ReadScorer<S>,
  run: Run,
  inPlace: EmbeddingTable | undefined,
): Promise<ScoringModel<S>> {
  const { preprocess, table, space } = await readSpace(run);
  return { ...(await read(run, space, inPlace ?? table)), space, preprocess };
}

/** Returns the capabilities that every model over features has. */
export function scoresRows(read: ReadScorer): Pick<Capabilities, "preprocess" | "scorer" | "predictor"> {
  return {
    preprocess: readPreprocess,
    scorer: (run, inPlace) => readScoringModel(read, run, inPlace),
    predictor: async (run, how) =>
      await (
        await import("./row-predictor.js")
      ).predictorOf(await readScoringModel(read, run, undefined), how),
  };
}

/** Returns the capabilities of a model whose task has labels. */
export function predictsLabels(
  read: ReadScorer,
): Pick<Capabilities, "preprocess" | "scorer" | "predictor" | "evaluate"> {
  return {
    ...scoresRows(read),
    evaluate: async (run, on, watch) =>
      await (
        await import("../judging/evaluate-scores.js")
      ).evaluateScores(run, await readScoringModel(read, run, on.inPlace), on, watch),
  };
}

/** Returns the capabilities of a model that ranks items by vectors. */
export function ranksByVectors(
  read: ReadScorer<Required<Scorer>>,
): Pick<Capabilities, "preprocess" | "scorer" | "predictor" | "rank"> {
  return {
    ...scoresRows(read),
    rank: async (run, keys, inPlace) =>
      await (
        await import("../judging/ranked-items.js")
      ).rankByVectors(run, await readScoringModel(read, run, inPlace), keys),
  };
}
