// What --task implicit takes of a log: users and items, and nothing else.

import { columnNamed, type Dataset } from "../dataset/dataset.js";
import type { Task } from "../dataset/labels.js";
import { UsageError } from "../errors.js";

/**
 * The dataset with the features that the task learns: all of them, but of --task implicit the user and the item.
 *
 * @returns with a note on what is left out
 * @throws {UsageError} there is no user or item column of one key a row
 */
export function featuresOfTask(
  dataset: Dataset,
  task: Task | undefined,
): { dataset: Dataset; notes: string[] } {
  if (task !== "implicit") return { dataset, notes: [] };
  const { roles } = dataset;
  for (const role of ["user", "item"] as const) {
    const name = roles[role];
    if (name === undefined)
      throw new UsageError(`--task implicit needs a column of ${role}s: name it with --${role}`);
    if (columnNamed(dataset, name).kind !== "key") {
      throw new UsageError(
        `--task implicit needs one ${role} a row, but the column '${name}' is numeric or several-valued`,
      );
    }
  }
  const wanted = [roles.user!, roles.item!];
  const features = [...roles.fields, ...roles.numeric, ...Object.keys(roles.multi)];
  const fields = dataset.columns.map(({ name }) => name).filter((name) => wanted.includes(name));
  const leftOut = features
    .filter((name) => !wanted.includes(name))
    .map((name) => `'${name}'`)
    .join(", ");
  return {
    dataset: { ...dataset, roles: { ...roles, fields, numeric: [], multi: {} } },
    notes: leftOut ? [`--task implicit learns users and items alone: ${leftOut} left out`] : [],
  };
}
