// The contents of logs and files from which recommendation lists are made. Several processes can make the lists: one
// reads the contents and passes them to the others.

import type { Keys } from "../../log/keys.js";
import type { TrainingEvents } from "../../sampling/training-events.js";

/** Users, and the items of each user. */
export type UserItems = Pick<TrainingEvents, "users" | "items" | "history">;

/** The events of users. They serve as queries, or name the items to leave out; those that no list needs are absent. */
export interface SeenItems {
  /** events of the training log, or of --mask in its place; queries may be made from them */
  learned?: TrainingEvents;
  /** events of new users, from which queries are made */
  folded?: TrainingEvents;
  /** items of each user that the user's list leaves out */
  had?: UserItems;
  warnings: string[];
}

/** Contents of the files of --items and --users. */
export interface ListedFiles {
  items: ListedKeys | undefined;
  users: ListedKeys | undefined;
}

/** The distinct keys of a file, and their cells in other columns. */
export interface ListedKeys {
  keys: Keys;
  /** columns by name: u32[keys.size], the code of each key's cell in the dictionary; MISSING for an empty cell */
  columns: Map<string, { codes: Uint32Array; dictionary: Keys }>;
}
