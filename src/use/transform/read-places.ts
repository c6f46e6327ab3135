// Reads tables of items; for `transform --nearest` the position and group of each item.
//
//   rows ──► one place per item: numbers, and a group, which has all items with the same cells in some columns

import { RowCollector, type Cells, type KeyOf, type Purpose } from "../../dataset/collect.js";
import { requireColumn } from "../../dataset/roles.js";
import { sumOf } from "../../dataset/steps.js";
import { DataError, excerpt, UsageError } from "../../base/errors.js";
import { hidingText, withLog } from "../../training/reading/read-dataset.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";
import type { Distance } from "./distance.js";

/** Items in the order of their first rows: the numbers from which their distances are computed, and their groups. */
export interface Places {
  keys: string[];
  /** f64[n * number of distance columns]: each item's numbers in the columns from which distances are computed */
  numbers: Float64Array;
  groups: number[];
  numRepeats: number;
}

/** Rows may repeat an item with the same cells. @param within columns whose cells define the groups */
export async function readPlaces(
  options: TransformOptions,
  key: string,
  distance: Distance,
  within: readonly string[],
  watch: Watch,
): Promise<Places> {
  const { on } = options;
  const keyColumns = [key, ...within];
  const table = new PlaceTable(on, keyColumns, distance.columns);
  const checkColumns = (columns: readonly string[]): void => {
    if (options.key === undefined && !columns.includes(key))
      throw new UsageError(
        `no input has a column '${key}', the key column of the run: name the key column with --key; the ` +
          `columns are ${columns.join(", ")}`,
      );
    requireColumn("--key", key, columns);
    for (const column of distance.columns) requireColumn("--distance", column, columns);
    for (const column of within) requireColumn("--within", column, columns);
  };
  await readItemTable(options, purposesOf(keyColumns, distance), table, checkColumns, watch);
  return table.places();
}

/** Reads the rows of a table of items into `sink`. @param checkColumns throws if the table lacks a column */
export async function readItemTable(
  { on, reading, hashKeys, maxBad, badRows }: TransformOptions,
  purposes: readonly Purpose[],
  sink: ConstructorParameters<typeof RowCollector>[3],
  checkColumns: (columns: readonly string[]) => void,
  watch: Watch,
): Promise<void> {
  const given = {
    ...{ fields: [], numeric: [], multi: {}, ignore: [], sides: [], drop: [] },
    ...{ reading, onBadRow: reading.onBadRow, infer: false, unlabelled: false },
    maxBad,
    badRows,
    // hides cells in messages if the run hashes ids
    hidesText: hashKeys !== undefined,
  };
  const read = async () =>
    await withLog(on, given, watch, async (log, _, handling, observe) => {
      checkColumns(log.columns);
      const collector = new RowCollector(purposes, handling, [], sink);
      const rows = await log.read(purposes, (batch, keyOf) => collector.add(batch, keyOf), observe);
      const skipped = { ...rows.skipped, ...collector.skipped };
      await handling.onRead?.(skipped, rows.numRows + sumOf(rows.skipped));
      return { skipped, warnings: [] };
    });
  await hidingText(hashKeys !== undefined, read);
}

function purposesOf(keys: readonly string[], distance: Distance): Purpose[] {
  const all = { required: true };
  return [
    ...keys.map((name): Purpose => ({ name, as: "key", role: "key", ...all })),
    ...distance.columns.map((name): Purpose => {
      const range = distance.rangeOf(name);
      return { name, as: "number", role: "numeric", ...all, range };
    }),
  ];
}

class PlaceTable {
  readonly #keys: string[] = [];
  readonly #groups: number[] = [];
  readonly #numbers: number[] = [];
  #numRepeats = 0;
  /** number of each item, by the code of its key in the input files */
  readonly #itemOf = new Map<number, number>();
  /** number of each group, by the codes of the cells that define it */
  readonly #groupOf = new Map<string, number>();

  constructor(
    private readonly files: readonly string[],
    private readonly keyColumns: readonly string[],
    private readonly numberColumns: readonly string[],
  ) {}

  append(cells: Cells[], numRows: number, keyOf: KeyOf): void {
    const [keys, ...rest] = cells;
    const cuts = rest.slice(0, this.keyColumns.length - 1);
    const numbers = rest.slice(cuts.length);
    for (let row = 0; row < numRows; row++) {
      const code = keys![row]!;
      const group = this.#group(cuts.map((column) => column[row]!).join(","));
      const item = this.#itemOf.get(code);
      if (item === undefined) {
        this.#itemOf.set(code, this.#keys.length);
        this.#keys.push(keyOf(0, code));
        this.#groups.push(group);
        for (const column of numbers) this.#numbers.push(column[row]!);
        continue;
      }
      this.#numRepeats++;
      const at = item * numbers.length;
      const odd =
        this.#groups[item] === group
          ? numbers.findIndex((column, c) => column[row] !== this.#numbers[at + c])
          : numbers.length;
      if (odd >= 0) this.#refuse(item, odd, numbers[odd]?.[row]);
    }
  }

  places(): Places {
    return {
      keys: this.#keys,
      groups: this.#groups,
      numbers: Float64Array.from(this.#numbers),
      numRepeats: this.#numRepeats,
    };
  }

  #group(cells: string): number {
    const group = this.#groupOf.get(cells) ?? this.#groupOf.size;
    this.#groupOf.set(cells, group);
    return group;
  }

  #refuse(item: number, odd: number, got: number | undefined): never {
    const [, ...within] = this.keyColumns;
    const differ =
      got === undefined
        ? `${within.join(", ")} (--within)`
        : `'${this.numberColumns[odd]}': ${this.#numbers[item * this.numberColumns.length + odd]} and ${got}`;
    throw new DataError(
      `item ${excerpt(this.#keys[item]!)} has rows that differ in ${differ}; --nearest needs one position ` +
        "per item",
      { file: this.files.join(", "), column: this.keyColumns[0]! },
    );
  }
}
