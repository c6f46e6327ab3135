// Which columns give an event its tokens: the item alone, or those of --tokens.

import { columnNamed, MISSING, type Dataset, type Roles } from "../../dataset/dataset.js";
import { idsOf, type FeatureSpace } from "../../dataset/vocabulary.js";
import { nearestName, UsageError } from "../../errors.js";
import type { Part } from "../../training/examples.js";
import { featuresNamed, featuresOfRoles } from "../../training/users-and-items.js";

/** The columns in their order; `user` and `item` stand for the columns in these roles where no column has the name. */
export function tokenColumns(
  { columns, roles }: Pick<Dataset, "columns"> & { roles: Pick<Roles, "user" | "item"> },
  tokens: readonly string[] = ["item"],
): string[] {
  const isColumn = (name: string) => columns.some((column) => column.name === name);
  return tokens.map((name) =>
    !isColumn(name) && (name === "user" || name === "item") ? (roles[name] ?? name) : name,
  );
}

/**
 * The dataset with the tokens' columns as its features, and a note on what is left out.
 *
 * @throws {UsageError} a column is not there, is named twice, or is not one of a key a row
 */
export function acceptTokens(
  dataset: Dataset,
  command: string,
  tokens: readonly string[] | undefined,
): { dataset: Dataset; notes: string[] } {
  if (!tokens) return featuresOfRoles(dataset, command, ["item"]);
  const names = tokenColumns(dataset, tokens);
  const columns = dataset.columns.map(({ name }) => name);
  names.forEach((name, i) => {
    if (!columns.includes(name)) {
      const near = nearestName(name, columns);
      const hint = near === undefined ? `the columns are ${columns.join(", ")}` : `did you mean '${near}'?`;
      throw new UsageError(
        `--tokens names column '${name}', which the log has not or --fields or --ignore leaves out: ${hint}`,
      );
    }
    if (columnNamed(dataset, name).kind !== "key")
      throw new UsageError(
        `--tokens needs one key a row, but the column '${name}' is numeric or several-valued: --fields names columns of keys`,
      );
    if (names.indexOf(name) < i) throw new UsageError(`--tokens names column '${name}' twice`);
  });
  return featuresNamed(dataset, command, names, `the tokens ${names.map((name) => `'${name}'`).join(", ")}`);
}

/**
 * The tokens of a part's rows, as features.
 *
 * @param weights f32 by row of the dataset: a row that counts 0 has no token
 * @returns u32[rows.length] a column; MISSING where training does not know the key
 */
export function tokensOf(
  space: FeatureSpace,
  { dataset, rows }: Part,
  columns: readonly string[],
  weights: Float32Array | undefined,
): Uint32Array[] {
  return columns.map((name) => {
    const f = space.fields.findIndex((field) => field.name === name);
    const [field, column] = [space.fields[f], columnNamed(dataset, name)];
    if (field?.kind !== "key" || column.kind !== "key") throw new RangeError("tokens are keys");
    const ids = idsOf(field, column.dictionary);
    // of a column on disk, read once
    const { codes } = column;
    return rows.map((row) => {
      const code = codes[row]!;
      const id = code === MISSING || weights?.[row] === 0 ? 0 : ids[code]!;
      return id === 0 ? MISSING : space.offsets[f]! + id;
    });
  });
}
