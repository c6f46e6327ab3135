// What a kind of model can do with a run that holds one. Commands ask for a capability, never for a name; what a kind of model
// lacks is absent here, and `trainers/index` refuses it in one way, with the commands whose runs have it.

import type { Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import type { OutOfVocabulary, ReserveScheme } from "../export/reserve.js";
import type { ModelFacts, OnnxInput, RowTexts } from "../export/selection.js";
import type { ReportedRun } from "../report/content.js";
import type { Forgetting } from "./forgetting/forgetting.js";
import type { KeyVectors } from "./key-vectors.js";
import type { Rotation } from "./rotation.js";
import type { Composition } from "./row-composer.js";

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
  /** Lets keys go out of it. */
  forgetting?: (run: Run) => Forgetting | Promise<Forgetting>;
  /** Adds up its features; says why where those of this run do not add up. */
  composition?: (run: Run) => Promise<Composition | { whyNot: string }>;
  /** which rows of user and item rank by their dot product as the model does: the table's, or composed ones alone */
  mips?: "rows" | "composed";
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
  /** Importances of its columns, the greatest gain first. */
  importances?: (run: Run) => Promise<ReportedRun["importances"]>;
}

/** What a network's file is to look like. */
export interface NetworkAsked {
  reserve?: ReserveScheme;
  onnxInput?: OnnxInput;
}

/** A network's file, and how many rows its table has. */
export interface NetworkFile {
  chunks: Iterable<Uint8Array>;
  rows: number;
}

/** Kinds of models of one trainer, by the manifest's name. */
export type Models = Readonly<Record<string, Model>>;
