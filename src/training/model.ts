// What a kind of model can do with a run that holds one. Commands ask for a capability, never for a name; what a kind of model
// lacks is absent here, and `trainers/index` refuses it in one way, with the commands whose runs have it.

/** A kind of model. Each method takes a run whose manifest names it, and reads of it what it needs. */
export interface Model {
  /** what a run of it holds, in words, with the command that writes it: `a linear model (train-fm --model lr)` */
  holds: string;
}

/** Kinds of models of one trainer, by the manifest's name. */
export type Models = Readonly<Record<string, Model>>;
