// Columns of whole numbers that trees read as amounts and that are ids by their names.

import { columnNamed, type Dataset } from "../../../dataset/dataset.js";

/** `campaign_id`, `store code`, `SKU`; and `storeId`. */
const ID_NAMES = [/(?:^|[^a-z0-9])(?:id|uid|sku|zip|zipcode|code)$/i, /[a-z](?:Id|ID)$/];
/** Up to so many values, trees separate them one by one all the same. */
const FEW_VALUES = 50;

/**
 * Sentences for the summary: ranges of an id mean nothing, and a tree finds some all the same.
 *
 * @param rows u32: those that the trees are grown on
 * @param named what --numeric names, with or without a form: it is meant
 */
export function idColumnWarnings(dataset: Dataset, rows: Uint32Array, named: readonly string[]): string[] {
  const { roles } = dataset;
  const isNamed = (name: string) => named.some((text) => text === name || text.startsWith(`${name}:`));
  const found = roles.numeric.filter((name) => {
    if (isNamed(name) || !ID_NAMES.some((form) => form.test(name))) return false;
    const column = columnNamed(dataset, name);
    return column.kind === "number" && hasManyWholeNumbers(column.values, rows);
  });
  // --fields and --numeric are full lists: a list with the id alone would drop all other columns
  const fields = [...roles.fields, ...found].join(",");
  const rest = roles.numeric.filter((name) => !found.includes(name));
  const lists = [`--fields '${fields}'`, ...(rest.length > 0 ? [`--numeric '${rest.join(",")}'`] : [])];
  return found.map(
    (name) =>
      `column '${name}' is numeric but looks like an id: use ${lists.join(" ")} to treat its values as categories, ` +
      `--ctr ${name} to replace them with their mean target, or --numeric ${name} to keep the numbers without this warning`,
  );
}

function hasManyWholeNumbers(values: Float64Array, rows: Uint32Array): boolean {
  const distinct = new Set<number>();
  for (const row of rows) {
    const x = values[row]!;
    // missing ones are NaN
    if (x !== x) continue;
    if (!Number.isInteger(x)) return false;
    if (distinct.size <= FEW_VALUES) distinct.add(x);
  }
  return distinct.size > FEW_VALUES;
}
