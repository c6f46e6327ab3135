// Determines which items a list may contain, and the categories by which --per limits and --lists-per divides them. An
// owner is the user or the item that a list is for.
//
//   --items, --where     items that may be in lists                                  one set of items
//   --within COLUMN      items with the same value in a column as the list's owner   one set per value
//   --per COLUMN=N       at most N items with the same value                         a category per item
//   --lists-per COLUMN   one list per value                                          a category per item

import { openKeysAsTrained, type HowKeysRead } from "../../training/reading/open-as-trained.js";
import { keyColumn } from "../../dataset/item-fields.js";
import { ascending } from "../../base/numeric/indices.js";
import { MISSING, keyAt, selectKeys, type Keys } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { countText, UsageError } from "../../base/errors.js";
import type { Watch } from "../../training/session/watch.js";
import { categoriesOfSets } from "../rank-items/lists/part-lists.js";
import type { RequestedLists, ListedFiles, ListedKeys } from "./requested-lists.js";

/** Replaces the index of a set if no item is allowed in the list of a user or item, so that the list is empty. */
export const NO_SET = -1;

export interface Sets {
  /** the sets of allowed items: for each set, ascending item numbers, u32[] */
  sets: Uint32Array[];
  /** Returns the index of the set of items that the list of a user or item may contain, or NO_SET. */
  setOf: (keys: Keys, owner: number) => number;
  cells?: ItemCells | undefined;
  /** the users or items that get lists; all of them when absent */
  chosen?: KeyIndex;
  numChosen?: number;
  warnings: string[];
}

export interface ItemCells {
  /** u32[numItems]: code of each item's cell in the dictionary `names`; MISSING for an empty cell */
  codes: Uint32Array;
  names: Keys;
}

/** Default maximum number of categories for --lists-per, since each category needs a search. */
const MAX_CATEGORIES = 1000;

export async function readListedFiles(
  named: { user: string; item: string },
  how: HowKeysRead,
  options: RequestedLists,
  watch: Watch,
): Promise<ListedFiles> {
  const { items, users, within, quota, listsPer } = options;
  const columns = [...new Set([within, quota?.column, listsPer].filter((name) => name !== undefined))];
  const { reading, hashKeys } = options;
  const ofUsers = within === undefined ? [] : [within];
  const listed = {
    items:
      items === undefined
        ? undefined
        : await readListed("--items", items, named.item, columns, how, options, watch),
    users:
      users === undefined
        ? undefined
        : await readListed("--users", users, named.user, ofUsers, how, { reading, hashKeys }, watch),
  };
  const { maxCategories = MAX_CATEGORIES } = options;
  const found = listsPer === undefined ? [] : listed.items!.columns.get(listsPer)!.codes;
  // counts the codes in use, because the dictionary also has values of rows that --where leaves out
  const numCategories = new Set(found.filter((code) => code !== MISSING)).size;
  if (numCategories > maxCategories)
    throw new UsageError(
      `--lists-per ${listsPer}: '${items}' has ${countText(numCategories)} values of it, the limit is ` +
        `${countText(maxCategories)}: name a coarser column, limit one list with --per ${listsPer}=N, or make ` +
        `${countText(numCategories)} lists for each ${options.for} with --max-categories ${numCategories}`,
    );
  return listed;
}

export async function setsOf(
  items: Keys,
  { items: listed, users }: ListedFiles,
  named: { item: string },
  how: HowKeysRead,
  options: RequestedLists,
  watch: Watch,
): Promise<Sets> {
  const { items: file, within, for: whom, where, quota, listsPer } = options;
  const who = users && { chosen: new KeyIndex(users.keys), numChosen: users.keys.size };
  if (!listed) {
    const all = ascending(items.size);
    return { sets: [all], setOf: () => 0, ...who, warnings: [] };
  }
  const index = new KeyIndex(items);
  const numbers = Int32Array.from({ length: listed.keys.size }, (_, key) => index.find(listed.keys, key));
  const known = Uint32Array.from(numbers.keys()).filter((key) => numbers[key]! >= 0);
  const unknown = listed.keys.size - known.length;
  if (known.length === 0)
    throw new UsageError(
      `--items '${file}': none of its ${listed.keys.size} items (${named.item}) is known to the run, so ` +
        "every list would be empty: check that the keys match those of the training log",
    );
  const warnings =
    unknown > 0
      ? [`ignored ${unknown} of ${listed.keys.size} items of '${file}' that are unknown to the run`]
      : [];
  const ofItems = (codes: Uint32Array): Uint32Array => {
    const all = new Uint32Array(items.size).fill(MISSING);
    for (const key of known) all[numbers[key]!] = codes[key]!;
    return all;
  };
  const ofCells = listed.columns.get(quota?.column ?? listsPer ?? "");
  const cells = ofCells && { codes: ofItems(ofCells.codes), names: ofCells.dictionary };
  // also counts values that occur only in rows that --where leaves out
  const numListed = ofCells?.dictionary.size ?? 0;
  const made = (sets: Uint32Array[], setOf: Sets["setOf"]): Sets => {
    const dealt = cells && listsPer !== undefined ? categoriesOfSets(sets, cells) : cells;
    const numEmpty = listsPer === undefined ? 0 : numListed - dealt!.names.size;
    if (numEmpty > 0)
      warnings.push(
        `${countText(numEmpty)} of ${countText(numListed)} values of ${listsPer} have no item that may stand in a ` +
          "list, and get none",
      );
    return { sets, setOf, cells: dealt, ...who, warnings };
  };
  const allowed = known.map((key) => numbers[key]!).sort();
  const without =
    listsPer === undefined ? 0 : allowed.filter((item) => cells!.codes[item] === MISSING).length;
  if (without > 0)
    warnings.push(`${countText(without)} items of '${file}' have no ${listsPer} and stand in no list`);
  if (within === undefined) return made([allowed], () => 0);

  const groups = listed.columns.get(within)!;
  const groupOf = ofItems(groups.codes);
  const sets = Array.from({ length: groups.dictionary.size }, (): number[] => []);
  for (const item of allowed) if (groupOf[item] !== MISSING) sets[groupOf[item]!]!.push(item);
  // reads cells without --where here: an item that --where leaves out still gets a list, and needs its cell
  const owners =
    whom === "user"
      ? users!
      : where
        ? await readListed("--items", file!, named.item, [within], how, { ...options, where: [] }, watch)
        : listed;
  return made(
    sets.map((set) => Uint32Array.from(set)),
    groupsOfOwners(owners, within, groups.dictionary),
  );
}

/** Returns a function that finds the set of items with the same value in the column of --within as a user or item. */
function groupsOfOwners({ keys, columns }: ListedKeys, within: string, groups: Keys): Sets["setOf"] {
  const { codes, dictionary } = columns.get(within)!;
  const [index, group] = [new KeyIndex(keys), new KeyIndex(groups)];
  const sets = Int32Array.from({ length: dictionary.size }, (_, code) => group.find(dictionary, code));
  return (asked, owner) => {
    const key = index.find(asked, owner);
    return key < 0 || codes[key] === MISSING ? NO_SET : sets[codes[key]!]!;
  };
}

/** @param flag the option that names the file, for messages */
async function readListed(
  flag: string,
  path: string,
  key: string,
  columns: readonly string[],
  how: HowKeysRead,
  { where = [], reading, hashKeys }: Pick<RequestedLists, "where" | "reading" | "hashKeys">,
  watch: Watch,
): Promise<ListedKeys> {
  const fields = [key, ...columns.filter((name) => name !== key)];
  const dataset = await openKeysAsTrained([path], { fields, where }, how, { reading, hashKeys }, watch);
  const { codes, dictionary } = keyColumn(dataset, key);
  const rowOf = new Int32Array(dictionary.size).fill(-1);
  const others = columns.map((name) => ({ name, column: keyColumn(dataset, name) }));
  codes.forEach((code, row) => {
    if (code === MISSING) return;
    const earlier = rowOf[code]!;
    if (earlier < 0) rowOf[code] = row;
    else
      for (const { name, column } of others)
        if (column.codes[row] !== column.codes[earlier])
          throw new UsageError(
            `${flag} '${path}': ${key} '${keyAt(dictionary, code)}' occurs twice with different values of ` +
              `'${name}'`,
          );
  });
  // drops the keys of rows that --where leaves out
  const kept = Uint32Array.from(rowOf.keys()).filter((code) => rowOf[code]! >= 0);
  if (kept.length === 0)
    throw new UsageError(
      `${flag} '${path}' has no ${key}${where.length > 0 ? ": --where matches no row" : ""}`,
    );
  return {
    keys: selectKeys(dictionary, kept),
    columns: new Map(
      others.map(({ name, column }) => [
        name,
        {
          codes: kept.map((code) => column.codes[rowOf[code]!]!),
          dictionary: column.dictionary,
        },
      ]),
    ),
  };
}
