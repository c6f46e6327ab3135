// Names of keys: from the files of --names, and of items also from a column such as `title` of the run's side tables or log.

import { parseSide } from "../dataset/side.js";
import { EmbedError, excerpt, UsageError } from "../base/errors.js";
import { statOf } from "../base/io/tree.js";
import { keyAt, MISSING } from "../log/keys.js";
import type { Log, ReadOptions } from "../log/log.js";
import { openLog } from "../log/open.js";
import { cellsBesideLog } from "../training/reading/open-as-trained.js";
import { sideReading } from "../training/reading/read-dataset.js";
import { placedPath } from "../training/reading/run-parts.js";
import { readKeyNames, type KeyNames } from "./key-labels.js";
import { NAME_WORDS } from "./neighbors/may-have-names.js";
import type { OpenTable } from "./tables.js";

/** Maximum bytes of the files that are read for names that nobody asked for: a fraction of a second. */
const MOST_BYTES = 32e6;
/** Minimum share of the rows of an item that have its first name, and of the names that only one item has. */
const [SAME, DISTINCT] = [0.95, 0.5];

/** @returns the name of each item, by key; undefined if there is no such column, or its files are large or gone */
export async function foundNames({ run, fieldNamed }: OpenTable): Promise<Map<string, string> | undefined> {
  const { log = [], sides = [], reading, hashKeys } = run.manifest.options as Recorded;
  const item = fieldNamed("item");
  if (hashKeys !== undefined) return undefined;
  const { engine: _, ...ofLog } = reading ?? {};
  const sources = [
    ...sides
      .map((side) => parseSide(side))
      .filter(({ key }) => key === item)
      .map(({ path, sideKey }) => ({
        ...{ paths: [path], key: sideKey },
        reading: sideReading(cellsBesideLog(run), [path]),
      })),
    { paths: log, key: item, reading: ofLog },
  ];
  for (const { paths, key, reading: how } of sources) {
    try {
      const files = (await Promise.all(paths.map(async (path) => await placedPath(run, path)))).flat();
      const bytes = await Promise.all(files.map(async (file) => (await statOf(file))?.bytes ?? Infinity));
      if (files.length === 0 || bytes.reduce((sum, size) => sum + size) > MOST_BYTES) continue;
      const opened = await openLog(files, { ...how, threads: 1 } as ReadOptions);
      try {
        const names = await namesIn(opened, key);
        if (names) return names;
      } finally {
        await opened.close();
      }
    } catch (error) {
      if (!(error instanceof EmbedError)) throw error;
    }
  }
  return undefined;
}

interface Recorded {
  log?: string[];
  sides?: string[];
  reading?: ReadOptions;
  hashKeys?: unknown;
}

const lettersOf = (name: string) => name.toLowerCase().replaceAll(/[^a-z]/g, "");

/** Returns the column whose name says that it names the keys of a column: `title`, or `product_name` of `product_id`. */
function nameColumn(columns: readonly string[], key: string): string | undefined {
  const stem = lettersOf(key).replace(/(id|key|code|no|number|sku)$/, "");
  for (const word of NAME_WORDS)
    for (const before of ["", stem, "item", "product"]) {
      const found = columns.find((name) => name !== key && lettersOf(name) === before + word);
      if (found !== undefined) return found;
    }
  return undefined;
}

async function namesIn(log: Log, key: string): Promise<Map<string, string> | undefined> {
  const column = nameColumn(log.columns, key);
  if (column === undefined || !log.columns.includes(key)) return undefined;
  const first: number[] = [];
  let [rows, others] = [0, 0];
  const { dictionaries } = await log.read(
    [
      { name: key, as: "key" },
      { name: column, as: "key", keepsCase: true },
    ],
    ({ columns: [keys, names], numRows }) => {
      for (let row = 0; row < numRows; row++) {
        const [item, name] = [keys![row]!, names![row]!];
        if (item === MISSING || name === MISSING) continue;
        rows++;
        if ((first[item] ??= name) !== name) others++;
      }
    },
  );
  const names = new Map<string, string>();
  first.forEach((name, item) => names.set(keyAt(dictionaries[0]!, item), keyAt(dictionaries[1]!, name)));
  const isName = others <= (1 - SAME) * rows && new Set(names.values()).size >= DISTINCT * names.size;
  return isName && names.size > 0 ? names : undefined;
}

/** Returns a copy of a row with the name of its key, which is undefined if there is none. */
export type Called = <T extends { key: string }>(row: T) => T & { name?: string };

export class Names {
  /** @param found names of the items that nobody asked for */
  constructor(
    private readonly files: readonly KeyNames[],
    private readonly found?: { field: string; names: ReadonlyMap<string, string> },
  ) {}

  /** Returns the function that adds names to a field's rows; `item` in --names denotes the run's item column. */
  ofField({ fieldNamed }: OpenTable, field: string): Called {
    const file = this.files.find((each) => fieldNamed(each.field) === field);
    const found = this.found?.field === field ? this.found.names : undefined;
    return (row) => file?.called(row) ?? (found ? { ...row, name: found.get(row.key) } : row);
  }

  notes(): string[] {
    return this.files.flatMap((file) => file.note() ?? []);
  }
}

export async function readNames(
  opened: OpenTable,
  { names = [], reading }: { names?: readonly string[] | undefined; reading: Pick<ReadOptions, "threads"> },
): Promise<Names> {
  const files: KeyNames[] = [];
  for (const text of names) {
    const file = await readKeyNames(opened, text, reading.threads);
    const same = files.find(({ field }) => opened.fieldNamed(field) === opened.fieldNamed(file.field));
    if (same)
      throw new UsageError(
        `--names '${same.path}' and '${file.path}' both name keys of ${excerpt(file.field)}: give one of them`,
      );
    files.push(file);
  }
  const item = opened.fieldNamed("item");
  const isNamed = files.some(({ field }) => opened.fieldNamed(field) === item);
  const found = isNamed ? undefined : await foundNames(opened);
  return new Names(files, found && { field: item, names: found });
}
