import { columnNamed, type Dataset } from "../../dataset/dataset.js";
import { UsageError } from "../../base/errors.js";

/**
 * Returns the dataset with only the columns of these roles as features.
 *
 * @param flag flag or command that requires it, for messages
 * @returns also a note on the ignored columns
 * @throws {UsageError} a role has no column, or one that is numeric or multi-valued
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
      throw new UsageError(
        `${flag} needs ${role === "item" ? "an" : "a"} ${role} column: name it with --${role}`,
      );
    if (columnNamed(dataset, name).kind !== "key") {
      throw new UsageError(
        `${flag} needs one ${role} per row, but the column '${name}' is numeric or multi-valued`,
      );
    }
  }
  const wanted = wantedRoles.map((role) => roles[role]!);
  return featuresNamed(dataset, flag, wanted, wantedRoles.map((role) => `${role}s`).join(" and "));
}

/** @param learned description of the columns in the note on ignored columns */
export function featuresNamed(
  dataset: Dataset,
  flag: string,
  wanted: readonly string[],
  learned: string,
): { dataset: Dataset; notes: string[] } {
  const { roles } = dataset;
  const features = [...roles.fields, ...roles.numeric, ...Object.keys(roles.multi)];
  const fields = dataset.columns.map(({ name }) => name).filter((name) => wanted.includes(name));
  const leftOut = features
    .filter((name) => !wanted.includes(name))
    .map((name) => `'${name}'`)
    .join(", ");
  return {
    dataset: { ...dataset, roles: { ...roles, fields, numeric: [], multi: {} } },
    notes: leftOut ? [`${flag} uses only ${learned}: ${leftOut} ignored`] : [],
  };
}
