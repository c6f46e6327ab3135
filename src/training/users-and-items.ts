// What factorizations of users and items take of a log: these roles, and nothing else.

import { columnNamed, type Dataset } from "../dataset/dataset.js";
import { UsageError } from "../errors.js";

/**
 * The dataset with the columns in these roles as its features.
 *
 * @param flag what asks for it, for messages
 * @returns with a note on what is left out
 * @throws {UsageError} a role has no column of one key a row
 */
export function featuresOfRoles(
  dataset: Dataset,
  flag: string,
  wantedRoles: readonly ("user" | "item")[],
): { dataset: Dataset; notes: string[] } {
  const { roles } = dataset;
  for (const role of wantedRoles) {
    const name = roles[role];
    if (name === undefined)
      throw new UsageError(`${flag} needs a column of ${role}s: name it with --${role}`);
    if (columnNamed(dataset, name).kind !== "key") {
      throw new UsageError(
        `${flag} needs one ${role} a row, but the column '${name}' is numeric or several-valued`,
      );
    }
  }
  const wanted = wantedRoles.map((role) => roles[role]!);
  const features = [...roles.fields, ...roles.numeric, ...Object.keys(roles.multi)];
  const fields = dataset.columns.map(({ name }) => name).filter((name) => wanted.includes(name));
  const leftOut = features
    .filter((name) => !wanted.includes(name))
    .map((name) => `'${name}'`)
    .join(", ");
  const learned = wantedRoles.map((role) => `${role}s`).join(" and ");
  return {
    dataset: { ...dataset, roles: { ...roles, fields, numeric: [], multi: {} } },
    notes: leftOut ? [`${flag} learns ${learned} alone: ${leftOut} left out`] : [],
  };
}
