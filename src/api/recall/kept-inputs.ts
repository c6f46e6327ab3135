// What is read of logs and files for lists: it can be kept, and given to a process that makes a share of the lists.

import type { Keys } from "../../log/keys.js";
import type { TrainingEvents } from "../../sampling/training-events.js";

/** Users and the items that they have. */
export type UserItems = Pick<TrainingEvents, "users" | "items" | "history">;

/** Events that users are asked by or that are left out, each where it is needed. */
export interface SeenItems {
  /** of the log, which lists may be asked by */
  learned?: TrainingEvents;
  /** of new users */
  folded?: TrainingEvents;
  /** what is left out of lists */
  had?: UserItems;
  warnings: string[];
}

/** The files of --items and --users. */
export interface ListedFiles {
  items: ListedKeys | undefined;
  users: ListedKeys | undefined;
}

/** Keys of a file, each once, and what its columns say of them. */
export interface ListedKeys {
  keys: Keys;
  /** by name of a column: u32[keys.size], codes of its dictionary; MISSING for an empty cell */
  columns: Map<string, { codes: Uint32Array; dictionary: Keys }>;
}
