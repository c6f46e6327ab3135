// Files of keys beside a log: who may stand in a list, what is a candidate, who has what.

import type { Dataset, Roles } from "../../dataset/dataset.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { CellsBesideLog } from "./cells-beside-log.js";
import { silently } from "./split-parts.js";
import { readAsTrained } from "./read-as-trained.js";
import type { Watch } from "../session/watch.js";

/** How the run's log hides its keys, and what its cells say. */
export type HowKeysRead = Partial<Pick<Preprocess, "hashKeys">> & { cells?: CellsBesideLog };

/** How the file is read. */
export type KeyReading = Pick<Parameters<typeof readAsTrained>[1], "reading" | "hashKeys">;

/** Rows of users and items: pairs that are to be ranked, or what users have. */
export async function readPairs(
  paths: string[],
  { user, item }: { user: string; item: string },
  how: HowKeysRead,
  options: KeyReading,
  watch: Watch,
): Promise<Dataset> {
  const roles: Roles = { user, item, fields: [user, item], numeric: [], multi: {} };
  return await readKeyed(paths, roles, [], how, options, watch);
}

/** Rows of keys in columns of these names, hashed where the run's are. */
export async function readKeyed(
  paths: string[],
  roles: Roles,
  where: string[],
  { hashKeys: hashing, cells }: HowKeysRead,
  { reading, hashKeys }: KeyReading,
  watch: Watch,
): Promise<Dataset> {
  const columns = hashing?.columns.filter((name) => roles.fields.includes(name)) ?? [];
  const hashed = hashing && columns.length > 0 ? { hashKeys: { ...hashing, columns } } : {};
  const { dataset } = await readAsTrained(
    { roles, sides: [], drop: [], where, ...hashed, cells },
    { on: paths, reading, ...("hashKeys" in hashed && { hashKeys }) },
    { unlabelled: true },
    silently(watch),
  );
  return dataset;
}
