import { DEFAULT_TABLE, type Run } from "../table/run-directory.js";
import type { EmbeddingTable } from "../table/table.js";
import { excerpt, UsageError } from "../base/errors.js";
import { keyedHashFrom } from "../base/io/key-file.js";
import { knownModelOf } from "../trainers/index.js";
import { keyCaseOf } from "../training/capabilities/run-space.js";
import { secretOf } from "../training/reading/open-as-trained.js";

/** Returns a table's item field. @param flag the option that needs it @throws {UsageError} no field, or hashed keys */
export async function itemFieldOf(
  run: Run,
  { fields }: Pick<EmbeddingTable, "fields">,
  given: "user" | "item" | undefined,
  flag: string,
): Promise<string> {
  const roles = run.manifest.roles as { user?: string; item?: string };
  const role = given ?? "item";
  const named = [role, roles[role]].find((name) => name !== undefined && fields.includes(name));
  // if an imported table has no roles and a single field, this field is the item field
  const isNameless =
    roles.item === undefined && fields[0] !== roles.user && run.tables.includes(DEFAULT_TABLE);
  const isOnly = given === undefined && fields.length === 1 && isNameless;
  const field = named ?? (isOnly ? fields[0] : undefined);
  const { holds, command, preprocess } = await knownModelOf(run);
  if (field === undefined)
    throw new UsageError(
      `run '${run.path}' holds ${holds} (${command}), whose table has no ${role} field: it has ` +
        fields.map((name) => excerpt(name)).join(", "),
    );
  const recipe = (await preprocess?.(run))?.fields.find(({ name }) => name === field);
  if (recipe && recipe.kind !== "key")
    throw new UsageError(
      `${flag} needs one ${role} per row, but the field '${field}' is numeric or multi-valued`,
    );
  if (recipe?.hash)
    throw new UsageError(`${flag}: field '${field}' is hashed, so every key already has a vector`);
  return field;
}

/** Returns a function that converts a key to its form in the run's table, such as in its case or as its hash. @throws as secretOf */
export async function keyAsTrained(
  run: Run,
  field: string,
  { hashKeys, on }: { hashKeys?: string | undefined; on: readonly string[] },
): Promise<(key: string) => string> {
  const recipe = await (await knownModelOf(run)).preprocess?.(run);
  const inCase = keyCaseOf(run);
  await secretOf(recipe ?? { roles: { fields: [], numeric: [], multi: {} } }, hashKeys, on);
  if (hashKeys === undefined || !recipe?.hashKeys?.columns.includes(field)) return inCase;
  const hash = await keyedHashFrom(hashKeys);
  return (key) => hash(Buffer.from(inCase(key), "utf8"));
}
