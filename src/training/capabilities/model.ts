// The capabilities that a run has because of its kind of model. Commands request a capability, and do not depend on the
// name of the model. A missing capability is undefined; `trainers/index` then throws an error that lists the commands
// whose runs have it.

import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../table/run-directory.js";
import type { EmbeddingTable } from "../../table/table.js";
import type { ReserveScheme, OutOfVocabulary } from "../../export/reserve.js";
import type { ModelFacts, OnnxInput, RowTexts } from "../../export/selection.js";
import type { FoldIn } from "./folded-keys.js";
import type { Forgetting } from "./forgetting/forgetting.js";
import type { KeyVectors } from "./key-vectors.js";
import { type Composition, type ScoringModel, readPreprocess, readSpace } from "./run-space.js";
import type { RankerFor } from "../../metrics/rankers.js";
import type { RankedKeys, RankedUsers } from "../split-metrics/ranked-items.js";
import type { Rotation } from "./rotation.js";
import type { RowPredictor } from "./row-predictor.js";
import type { EvaluatedOn, Scored } from "../split-metrics/evaluate-scores.js";
import type { Transformed, TransformFlag, TransformOptions } from "../shared-options/transform-options.js";
import type { Watch } from "../session/watch.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Scorer } from "../session/feature-training.js";

/** A kind of model. Each method receives a run whose manifest names this kind, and reads the files that it needs. */
export interface Model extends Capabilities {
  /** noun phrase for the content of a run with a model of this kind: `a linear model` */
  holds: string;
  /** command that writes such runs, with the flag that selects the model: `train-NAME --model linear` */
  command: string;
  /**
   * clause of the error message with the reason why the kind lacks a capability; absent if the message only lists the
   * kinds that have it; `parts`: reason why `transform` cannot process parts of a log
   */
  lacks?: Partial<Record<keyof Capabilities | "parts", string>>;
}

/** Capabilities that a kind of model may have. All methods throw an ArtifactError for a damaged run. */
export interface Capabilities {
  /** Returns the rotations of the run's vectors that leave its predictions unchanged. */
  rotation?: (run: Run, table: EmbeddingTable) => Rotation | Promise<Rotation>;
  /** Reads the recipe that converts rows of a log to the model's features. */
  preprocess?: (run: Run) => Promise<Preprocess>;
  /** Opens the model to score feature rows. @param inPlace table with the same rows that replaces the run's table */
  scorer?: (run: Run, inPlace?: EmbeddingTable) => Promise<ScoringModel>;
  /** Opens the model to predict rows of a log one by one. */
  predictor?: (run: Run, how: { threads: number }) => Promise<RowPredictor>;
  evaluate?: (run: Run, on: EvaluatedOn, watch: Watch) => Promise<Scored>;
  /** Ranks the items that the run stores. @param inPlace as in `scorer` @throws {UsageError} it stores none */
  rank?: (run: Run, keys: RankedKeys, inPlace?: EmbeddingTable) => Promise<RankerFor<RankedUsers>>;
  /** Encodes rows of a log or of a table as vectors or features. */
  transform?: (run: Run, options: TransformOptions, watch: Watch) => Promise<Transformed>;
  /** flags of `transform` by which a user can choose another than the default encoding of this kind of model */
  transformFlags?: readonly TransformFlag[];
  /** Computes vectors for users or items without a row in the run, from the events in `options.foldIn`. */
  foldIn?: FoldIn;
  /** similarity of a folded-in user's vector and item vectors, without weights; used if the model has no `rank` */
  foldedRank?: "dot" | "cosine";
  forgetting?: (run: Run) => Forgetting | Promise<Forgetting>;
  /** Composes table rows from the vectors of their features, or returns the reason why the run does not allow it. */
  composition?: (run: Run) => Promise<Composition | { whyNot: string }>;
  /** rows whose dot products rank items as the model does: the table's, or only composed ones; absent without any */
  mips?: "rows" | "composed";
  /** name of the table of context vectors, whose dot products with item vectors measure co-occurrence */
  contexts?: string;
  /** whether scores use the table's vectors or its weights; the vectors of a linear model are its weights */
  scoresBy?: "vectors" | "weights";
  /** Reads the parameters outside the table that are needed to compute w0 + sum w x + sum <v, v> x x. */
  secondOrder?: (run: Run) => Promise<ModelFacts>;
  /** Returns one vector per key, with which another model can be initialized. @throws {UsageError} this run has none */
  vectors?: (run: Run) => Promise<KeyVectors>;
  /** Returns the vectors that stand for unknown keys in a table of the run, or the reason why there are none. */
  unknownKeys?: (run: Run, of: UnknownKeysOf) => Promise<OutOfVocabulary | { whyNot: string }>;
  /** Reads one text per row of a table; undefined if there are none. @param table undefined for the default table */
  rowTexts?: (run: Run, table: string | undefined) => Promise<RowTexts | undefined>;
  networks?: Readonly<Partial<Record<NetworkName, WriteNetwork>>>;
  /** Reads what only this kind of model reports. */
  reported?: (run: Run) => Promise<ReportedOfModel>;
}

/** What a report shows of some kinds of models only. */
export interface ReportedOfModel {
  /** importances of boosted trees: columns by descending gain */
  importances?: readonly { column: string; splits: number; gain: number }[];
  shares?: ReportedShares;
}

/** The share of each kind of side information in items' vectors, for items with similar numbers of events. */
interface ReportedShares {
  /** names of the terms whose sum is an item's vector: the item's own column first, then its side information */
  parts: readonly string[];
  /** ranges of the number of events, ascending, each with at least one item; a range without `to` has no upper bound */
  buckets: readonly {
    from: number;
    to?: number;
    items: number;
    /** share of each term in the items' vectors, as a mean over the items in the range; the shares sum to 1 */
    shares: readonly number[];
  }[];
}

/** A table of a run that needs replacement vectors for keys without a row. */
export interface UnknownKeysOf {
  table: EmbeddingTable;
  /** name of the table; undefined for the default table */
  name: string | undefined;
}

/** Options of an exported network. */
export interface NetworkAsked {
  reserve?: ReserveScheme;
  onnxInput?: OnnxInput;
}

/** The whole network, or only the tower of users or items. */
type NetworkName = "network" | "user" | "item";

/** Exports a network. @throws {UsageError} {DataError} no such tower, or ONNX cannot express its fields or keys */
export type WriteNetwork = (run: Run, how: NetworkAsked) => Promise<NetworkFile>;

/** An exported network. */
export interface NetworkFile {
  chunks: Iterable<Uint8Array>;
  /** number of rows of the table whose vectors the network contains */
  rows: number;
  /** note on the network's inputs, if their names are not self-explanatory */
  note?: string;
}

/** Kinds of models of one trainer, by the kind's name in the manifest. */
export type Models = Readonly<Record<string, Model>>;

/**
 * Returns a capability of a run's kind of model. The implementation (trainers/index.ts) searches all trainers for the
 * kind.
 *
 * @param cannot clause of the error message that states the consequence: `cannot be aligned`
 * @throws {UsageError} the kind lacks it
 */
export type Capable = <C extends keyof Capabilities>(
  run: Pick<Run, "path" | "manifest">,
  name: C,
  cannot: string,
) => Promise<NonNullable<Capabilities[C]>>;

/** Reads a run's scorer. @param table the run's table, or a table with the same rows that replaces it */
export type ReadScorer<S extends Scorer = Scorer> = (
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
) => Promise<S>;

export async function readScoringModel<S extends Scorer>(
  read: ReadScorer<S>,
  run: Run,
  inPlace: EmbeddingTable | undefined,
): Promise<ScoringModel<S>> {
  const { preprocess, table, space } = await readSpace(run);
  return { ...(await read(run, space, inPlace ?? table)), space, preprocess };
}

/** Returns the capabilities that every model with a feature space has. */
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
        await import("../split-metrics/evaluate-scores.js")
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
        await import("../split-metrics/ranked-items.js")
      ).rankByVectors(run, await readScoringModel(read, run, inPlace), keys),
  };
}
