// Days as they go wrong in practice, for the logs of every world: each fault turns a good day into the files that arrive.

/** A row of a log by column name. */
export type Row = Record<string, string | number | boolean | undefined>;

/** Days of a log whose columns the faults know by what they mean. */
export interface World {
  /** Returns the rows of a good day, which is given by its index. */
  rowsOf: (day: number) => Row[];
  /** Writes rows as the content of a file. */
  textOf: (rows: Row[]) => string;
  /** Returns the name of a day's file. */
  fileOf: (day: number) => string;
  /** Column of the items */
  item: string;
  /** Columns of the ids */
  ids: string[];
  /** Column of Unix seconds */
  time: string;
  /** A column with two values that mean the opposite of each other */
  opposites: [column: string, one: string, other: string];
  /** Returns the row with a negative label. */
  withoutLabel: (row: Row) => Row;
  /** A column with few values, one of which goes missing */
  place: [column: string, value: string];
  /** Column of an amount with a unit; absent if there is none */
  amount?: string;
}

/** Returns the files of a bad day by name. One that has the name of the good day's file replaces it. */
export type BadDay = (world: World, day: number) => Record<string, string>;

const HOUR = 3600;
const hourOf = (row: Row, { time }: World) => (Number(row[time]) / HOUR) % 24;
const change = (row: Row, column: string, by: (cell: string) => string | number): Row => ({
  ...row,
  [column]: by(String(row[column])),
});

/** A fault that changes the rows of the day's file. */
const inRows =
  (fault: (rows: Row[], world: World) => Row[]): BadDay =>
  (world, day) => ({ [world.fileOf(day)]: world.textOf(fault(world.rowsOf(day), world)) });

/** A fault that changes each row. */
const inEachRow = (fault: (row: Row, world: World) => Row) =>
  inRows((rows, world) => rows.map((row) => fault(row, world)));

/** A fault that delivers rows of the day in a second file. */
const again =
  (isAgain: (row: Row, world: World) => boolean): BadDay =>
  (world, day) => {
    const rows = world.rowsOf(day);
    const second = rows.filter((row) => isAgain(row, world));
    const name = world.fileOf(day);
    return { [name]: world.textOf(rows), [name.replace(".", "-2.")]: world.textOf(second) };
  };

/** The bad days, by what went wrong. */
export const badDays: Record<string, BadDay> = {
  "item ids permuted": inRows((rows, { item }) => {
    const items = [...new Set(rows.map((row) => String(row[item])))].sort();
    // the sorted ids are moved by a third, which changes the group of most
    const moved = new Map(
      items.map((id, i) => [id, items[(i + Math.ceil(items.length / 3)) % items.length]!]),
    );
    return rows.map((row) => change(row, item, (id) => moved.get(id)!));
  }),
  // no count, share or new key tells, only which user took which item
  "items of other rows": inRows((rows, { item }) => {
    const by = Math.ceil(rows.length / 3);
    return rows.map((row, i) => ({ ...row, [item]: rows[(i + by) % rows.length]![item] }));
  }),
  "ids in upper case": inEachRow((row, { ids }) =>
    ids.reduce((all, column) => change(all, column, (id) => id.toUpperCase()), row),
  ),
  "opposite values swapped": inEachRow((row, { opposites: [column, one, other] }) =>
    change(row, column, (cell) => (cell === one ? other : one)),
  ),
  "a value of a column missing": inRows((rows, { place: [column, value] }) =>
    rows.filter((row) => row[column] !== value),
  ),
  "six hours of the night missing": inRows((rows, world) => rows.filter((row) => hourOf(row, world) >= 6)),
  "times three hours later": inEachRow((row, { time }) =>
    change(row, time, (cell) => Number(cell) + 3 * HOUR),
  ),
  "half an hour again in a second file": again(
    (row, world) => hourOf(row, world) >= 12 && hourOf(row, world) < 12.5,
  ),
  "file cut off in a row": (world, day) => {
    const text = world.textOf(world.rowsOf(day));
    return { [world.fileOf(day)]: text.slice(0, Math.floor(text.length * 0.6)).trimEnd() };
  },
  "file delivered twice": again(() => true),
  "no positive label": inEachRow((row, { withoutLabel }) => withoutLabel(row)),
  "item column renamed": inRows((rows, { item }) =>
    rows.map(({ [item]: id, ...row }) => ({ ...row, [`${item}_v2`]: id })),
  ),
  "no row": inRows(() => []),
  "amounts a thousand times as large": inEachRow((row, { amount }) =>
    amount === undefined ? row : change(row, amount, (cell) => 1000 * Number(cell)),
  ),
  "items of another catalogue": inEachRow((row, { item }) => change(row, item, (id) => `1${id.slice(1)}`)),
};
