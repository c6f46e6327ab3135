// What a kind of model can do with a run that holds one. Commands ask for a capability, never for a name; what a kind of model
// lacks is absent here, and `trainers/index` refuses it in one way, with the commands whose runs have it.

import type { Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import type { Forgetting } from "./forgetting/forgetting.js";
import type { Rotation } from "./rotation.js";

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
}

/** Kinds of models of one trainer, by the manifest's name. */
export type Models = Readonly<Record<string, Model>>;
