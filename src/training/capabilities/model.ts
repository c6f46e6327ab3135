// What a kind of model can do with a run that holds one. Commands ask for a capability, never for a name; what a kind of model
// lacks is absent here, and `trainers/index` refuses it in one way, with the commands whose runs have it.

import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import type { OutOfVocabulary, ReserveScheme } from "../../export/reserve.js";
import type { ModelFacts, OnnxInput, RowTexts } from "../../export/selection.js";
import type { ReportedRun } from "../../report/content.js";
import type { FoldIn } from "./folded-keys.js";
import type { Forgetting } from "./forgetting/forgetting.js";
import type { KeyVectors } from "./key-vectors.js";
import type { Composition } from "./row-composer.js";
import type { RankerFor } from "../../evaluation/rankers.js";
import type { RankedKeys, RankedUsers } from "../judging/ranked-items.js";
import type { Rotation } from "./rotation.js";
import type { RowPredictor } from "./row-predictor.js";
import type { ScoringModel } from "./run-space.js";
import type { EvaluatedOn, Scored } from "../judging/scored.js";
import type { Transformed, TransformFlag, TransformOptions } from "../options/transform-options.js";
import type { Watch } from "../session/watch.js";

/** A kind of model. Each method takes a run whose manifest names it, and reads of it what it needs. */
export interface Model extends Capabilities {
  /** what a run of it holds, in words, with the command that writes it: `a linear model (train-NAME --model linear)` */
  holds: string;
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
  /** What training made of keys without a row. */
  unknownKeys?: (run: Run) => Promise<OutOfVocabulary>;
  /** A text beside each row of a table; undefined where its rows have none. @param table undefined for the default one */
  rowTexts?: (run: Run, table: string | undefined) => Promise<RowTexts | undefined>;
  /** The whole network in ONNX. @throws {UsageError} {DataError} its fields or keys have no place there */
  network?: (run: Run, how: NetworkAsked) => Promise<NetworkFile>;
  /** One of its two towers in ONNX. @throws {UsageError} it has no such tower, or as network */
  towers?: (run: Run, tower: TowerName, how: NetworkAsked) => Promise<NetworkFile>;
  /** Importances of its columns, the greatest gain first. */
  importances?: (run: Run) => Promise<ReportedRun["importances"]>;
  /** What its items are composed of, by how often they occur. */
  shares?: (run: Run) => Promise<ReportedRun["shares"]>;
}

/** What a network's file is to look like. */
export interface NetworkAsked {
  reserve?: ReserveScheme;
  onnxInput?: OnnxInput;
}

/** Whose vectors a tower makes. */
export type TowerName = "user" | "item";

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
