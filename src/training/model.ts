// What a kind of model can do with a run that holds one. Commands ask for a capability, never for a name; what a kind of model
// lacks is absent here, and `trainers/index` refuses it in one way, with the commands whose runs have it.

import type { Preprocess } from "../dataset/preprocess.js";
import type { Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import type { Ranker } from "../evaluation/rankers.js";
import type { RankedFor } from "./ranked-items.js";
import type { Rotation } from "./rotation.js";
import type { ScoringModel } from "./run-space.js";
import type { JudgedOn, Scored } from "./scored.js";
import type { Transformed, TransformFlag, TransformOptions } from "./transform-options.js";
import type { Watch } from "./watch.js";

/** A kind of model. Each method takes a run whose manifest names it, and reads of it what it needs. */
export interface Model extends Capabilities {
  /** what a run of it holds, in words, with the command that writes it: `a linear model (train-fm --model lr)` */
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
  /** Judges it by its scores of a log's rows, whose labels it predicts. */
  judge?: (run: Run, on: JudgedOn, watch: Watch) => Promise<Scored>;
  /** Ranks the items that it keeps. @param inPlace as scorer has it @throws {UsageError} the run keeps none */
  rank?: (run: Run, ranked: RankedFor, inPlace?: EmbeddingTable) => Promise<Ranker>;
  /** Encodes rows of a log or of a table. */
  transform?: (run: Run, options: TransformOptions, watch: Watch) => Promise<Transformed>;
  /** how else it encodes rows */
  transformFlags?: readonly TransformFlag[];
  /** Encodes users or items that the run does not know, by their events (`options.foldIn`). */
  foldIn?: (run: Run, options: TransformOptions, watch: Watch) => Promise<Transformed>;
}

/** Kinds of models of one trainer, by the manifest's name. */
export type Models = Readonly<Record<string, Model>>;
