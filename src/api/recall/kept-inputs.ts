// The contents of logs and files that lists need. They can be passed to another process, which makes a share of the
// lists.

import type { Keys } from "../../log/keys.js";
import type { TrainingEvents } from "../../sampling/training-events.js";

/** Users, and the items of each user. */
export type UserItems = Pick<TrainingEvents, "users" | "items" | "history">;

/** Events from which queries are made, and items that lists leave out; each is absent if the lists do not need it. */
export interface SeenItems {
  /** events of the log; queries may be made from them */
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
