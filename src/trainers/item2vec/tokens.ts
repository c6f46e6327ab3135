// Which columns give an event its tokens: the item alone, or those of --tokens.

import { columnNamed, type Dataset, type Roles } from "../../dataset/dataset.js";
import { nearestName, UsageError } from "../../errors.js";
import { featuresNamed, featuresOfRoles } from "../../training/reading/users-and-items.js";

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
        `--tokens names column '${name}', which is not in the log or is excluded by --fields or --ignore: ` +
          hint,
      );
    }
    if (columnNamed(dataset, name).kind !== "key")
      throw new UsageError(
        `--tokens needs one key per row, but the column '${name}' is numeric or multi-valued: use --fields ` +
          "to declare key columns",
      );
    if (names.indexOf(name) < i) throw new UsageError(`--tokens names column '${name}' twice`);
  });
  return featuresNamed(dataset, command, names, `the tokens ${names.map((name) => `'${name}'`).join(", ")}`);
}
