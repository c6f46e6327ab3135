// Generates seeded combinations of a training command's options from its declarations: a new option is covered
// automatically if its placeholder has values here.
//
//   command's Option objects ──► one option in turn, so that each is drawn, and up to four more that need no server
//                            ──► the options that those require (`only`), if not drawn ──► the words typed

import { isSwitch, nameOf } from "../options/setting.js";
import type { TableOption } from "../options/commander-flags.js";
import { integerBelow, mulberry32, pick, type Random } from "./random.js";
import { trainers, type TrainerRow } from "./trainers.js";
import { commandOf } from "./training-commands.js";

/** Files that the values of options refer to; the test creates them. */
export interface CombinationFiles {
  /** returns the path of a planted log */
  log: (row: TrainerRow) => string;
  /** returns the path of a run that the trainer of this row of trainers.ts has trained before */
  run: (row: TrainerRow) => string;
  /** path of a file with a secret */
  secret: string;
  /** path of a side table with the key `item_id` */
  side: string;
  /** returns a path that does not exist yet */
  fresh: () => string;
}

export interface Combination {
  row: TrainerRow;
  /** words of the command line after the command's name, without `-o` */
  words: string[];
  /** the randomly chosen options with their values, which may occur in an error message */
  drawn: Drawn[];
}

/** A randomly chosen option with its value; a switch has no value. */
export interface Drawn {
  flag: string;
  value?: string;
}

/**
 * Options that are never chosen at random, because every combination has them or because they need a server and no
 * training would succeed.
 */
const GIVEN = ["out", "force", "engine-train"];
/**
 * Option that is rejected because no server is running, whatever the other options are; its combination has no other
 * chosen options.
 */
const NEEDS_SERVER = "engine";
/** Options that rename all columns, so that any other option that names a column is rejected. */
const RENAMING = ["no-header", "columns"];

/** Options whose values name columns that the log does not have, so that every combination with them is rejected. */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  purchases: ["label"],
  numbers: [
    "label",
    "time",
    "user",
    "item",
    "side",
    "drop",
    "where",
    "numeric",
    "multi",
    "max-vocab",
    "min-count",
  ],
};

/** Values of the options whose placeholder is not specific enough, by option; the values keep trainings small. */
const byName: Record<string, readonly string[]> = {
  epochs: ["1", "2", "3"],
  "num-trees": ["1", "3", "5"],
  dim: ["2", "3", "4"],
  dense: ["1", "2"],
  threads: ["1", "2"],
  search: ["2"],
  draws: ["1", "2"],
  hidden: ["4", "4,3"],
  "cross-bits": ["4", "8"],
  "time-fields": ["hour", "hour,dow"],
  "time-format": ["%s", "%Y-%m-%d"],
  numeric: ["price", "price:log1p", "price:bins=3"],
  multi: ["tags:|"],
  "multi-weights": ["tags"],
  response: ["ideal", "power=0.5", "exp=2", "plateau", "plateau=2"],
  ctr: ["user_id", "user_id,item_id", "user_id*item_id"],
  "ctr-pairs": ["1", "auto"],
  "ctr-permutations": ["1", "3"],
  entity: ["item_id", "user_id"],
  group: ["basket"],
  session: ["basket"],
  weight: ["factor"],
  label: ["click", "rating"],
  time: ["timestamp"],
  user: ["user_id"],
  item: ["item_id"],
  seed: ["0", "2", "4294967295"],
  // addresses at which no server is running, so that the connection fails; a file name would be rejected earlier
  engine: ["sc://127.0.0.1:1", "spark://host:7077"],
  "engine-timeout": ["1"],
  "engine-slice": ["1M", "100K"],
  encoding: ["utf-8", "latin1"],
  delimiter: [","],
  decimal: ["."],
  thousands: ["'"],
  "min-count": ["0", "2", "item_id=3"],
  "max-vocab": ["3", "user_id=2"],
  "drop-users-above": ["20", "1000"],
  "drop-users-above-per-day": ["20", "1000"],
  "num-leaves": ["2", "5"],
  "batch-size": ["1", "16", "256", "2048"],
  layers: ["0", "1", "2"],
  "neighbor-weight": ["0.5", "1"],
  "checkpoint-every": ["1", "2"],
  shift: ["1", "3"],
  "num-walks": ["1", "2"],
  "walk-length": ["2", "5"],
  samples: ["1", "300"],
  order: ["1", "2", "both"],
  p: ["0.5", "2"],
  q: ["0.5", "2"],
  "noise-exponent": ["0", "0.75"],
  window: ["1", "3"],
  "user-fields": ["device", "device,price"],
  "user-tower": ["none", "4"],
  recency: ["1", "3"],
  negatives: ["1", "3", "8", "16"],
  source: ["user_id", "item_id"],
  target: ["item_id", "user_id"],
};

type Values = (row: TrainerRow, files: CombinationFiles) => readonly string[];

/** Values that options may get, by the options' placeholders in the help. */
const byPlaceholder: Record<string, Values> = {
  n: () => ["0", "1", "2", "3", "20"],
  x: () => ["0", "0.01", "0.5", "1", "3"],
  k: () => ["2", "3"],
  share: () => ["0", "0.2", "0.5", "1"],
  column: () => ["item_id", "device", "price"],
  columns: () => ["device", "user_id,item_id", "item_id,device"],
  fields: () => ["device", "user_id,item_id"],
  "share, date or file": () => ["0.1", "0.3", "2024-03-09"],
  "field=x,...": () => ["user_id=0.1", "item_id=1,device=0"],
  "column:kind=x,...": () => ["kind:view=1,cart=3,buy=5", "kind:view=1,*=0"],
  "column:bits": () => ["user_id:3", "item_id:2"],
  "column:separator": () => ["tags:|"],
  "file:key": (_, { side }) => [`${side}:item_id`],
  filter: () => ["device=phone", "kind!=view"],
  expression: () => ["price > 10", 'device != "phone"'],
  run: (row, { run }) => [run(row)],
  file: (_, { secret }) => [secret],
  when: () => ["5d", "2024-03-06"],
  span: () => ["2d", "48h"],
  age: () => ["3d", "2"],
  size: () => ["100K", "1G"],
  sizes: () => ["4", "4,3"],
  "a*b": () => ["user_id*device", "device*item_id"],
  "from-to": () => ["1-1", "2-3", "2"],
  pattern: () => ["%s"],
  offset: () => ["+02:00", "Z"],
  texts: () => ["NULL", "NULL,phone"],
  name: () => ["utf-8", "latin1"],
  text: () => ["#"],
  "n|others": () => ["3", "others", "others:2"],
  bytes: () => ["8", "1000"],
};

/**
 * By option: other options, or values of options, that a training requires when the option is used; the option table
 * does not declare them in `only`, because one of several would suffice.
 */
const beside: Readonly<Record<string, Readonly<Record<string, true | readonly string[]>>>> = {
  refit: { valid: true },
  search: { valid: true },
  multiWeights: { multi: true },
  validLike: { valid: true },
  timeFormat: { time: true },
  positiveFrom: { label: true },
  itemTower: { itemFields: true },
  last: { split: ["last"] },
  group: { split: ["last"] },
};

/** Flags of a row of trainers.ts that are omitted if another flag is chosen, keyed by the chosen flag. */
const inPlaceOf: Readonly<Record<string, readonly string[]>> = {
  // with --source, each row of the log is an edge
  "--source": ["--item", "--session", "--item-fields"],
  // with --user, each user is a session
  "--user": ["--session"],
};

const known = new Map<TrainerRow, TableOption[]>();

/** Returns the options of a command from which combinations are chosen. */
export function drawnOptions(row: TrainerRow): readonly TableOption[] {
  const options = known.get(row) ?? findOptions(row);
  known.set(row, options);
  return options;
}

function findOptions(row: TrainerRow): TableOption[] {
  const options = commandOf(row.command).options as TableOption[];
  return options.filter(
    (option) =>
      !option.hidden &&
      ![...GIVEN, ...RENAMING].includes(nameOf(option)) &&
      !(ABSENT[row.log] ?? []).includes(nameOf(option)) &&
      goesWithRow(option, row, options),
  );
}

/**
 * Whether an option can be combined with the flags that a row of trainers.ts sets; if not, it is tested with another
 * row of the same command.
 */
function goesWithRow(option: TableOption, row: TrainerRow, options: readonly TableOption[]): boolean {
  const own = [...row.columns, ...row.small];
  return Object.entries(option.declared.only ?? {}).every(([name, values]) => {
    const other = options.find((one) => one.optionName === name);
    const at = other ? own.indexOf(other.long!) : -1;
    return values === true || at < 0 || values.includes(own[at + 1]!);
  });
}

/**
 * Returns the values from which the value of an option is chosen.
 *
 * @throws {Error} no values are defined for its placeholder
 */
export function valuesOf(option: TableOption, row: TrainerRow, files: CombinationFiles): readonly string[] {
  if (isSwitch(option)) return [];
  if (option.argChoices) return option.argChoices;
  const name = nameOf(option);
  if (name === "bad-rows") return [files.fresh()];
  if (name === "valid-like" || name === "candidates") return [files.log(row)];
  const placeholder = /[<[](.*?)(?:\.\.\.)?[>\]]$/.exec(option.flags)?.[1] ?? "";
  const whole = /[<[](.*)[>\]]$/.exec(option.flags)?.[1] ?? "";
  const values = byPlaceholder[whole] ?? byPlaceholder[placeholder];
  if (byName[name]) return byName[name];
  if (!values)
    throw new Error(
      `option ${option.flags} of ${row.command}: give its placeholder values in src/testing/option-combinations.ts`,
    );
  return values(row, files);
}

/**
 * Yields the given number of combinations, for one row of trainers.ts after another; the same seed gives the same ones.
 */
export function* drawCombinations(
  seed: number,
  count: number,
  files: CombinationFiles,
): Generator<Combination> {
  const random = mulberry32(seed);
  const turns = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const row = trainers[i % trainers.length]!;
    const options = drawnOptions(row);
    const turn = turns.get(row.command) ?? 0;
    turns.set(row.command, turn + 1);
    const chosen = new Set([options[turn % options.length]!]);
    const others = options.filter((option) => !nameOf(option).startsWith(NEEDS_SERVER));
    for (let more = integerBelow(5, random); more > 0; more--) chosen.add(pick(others, random));
    const drawn = withCompanions(row, [...chosen], files, random);
    yield { row, drawn, words: [files.log(row), ...wordsOf(row, drawn)] };
  }
}

/**
 * Inserts before each chosen option the options that it requires, unless they are chosen too or the row of trainers.ts
 * has them.
 */
function withCompanions(
  row: TrainerRow,
  chosen: TableOption[],
  files: CombinationFiles,
  random: Random,
): Drawn[] {
  const all = drawnOptions(row);
  const drawn = new Map(chosen.map((option) => [option.attributeName(), valueOf(option)]));
  function valueOf(option: TableOption, among = valuesOf(option, row, files)): Drawn {
    return { flag: option.long!, ...(!isSwitch(option) && { value: pick(among, random) }) };
  }
  function add(option: TableOption): void {
    const { declared, optionName } = option;
    const more = Object.hasOwn(beside, optionName) ? beside[optionName] : {};
    for (const [name, values] of Object.entries({ ...more, ...declared.only })) {
      const other = all.find((one) => one.optionName === name);
      if (other === undefined || drawn.has(other.attributeName())) continue;
      // does not add an option that the row of trainers.ts sets already, if the chosen option allows any value of it
      if (values === true && row.small.includes(other.long!)) continue;
      drawn.set(other.attributeName(), valueOf(other, values === true ? undefined : values));
      add(other);
    }
  }
  for (const option of chosen) add(option);
  return [...drawn.values()];
}

/**
 * Returns the command line of a training: the words of its entry in trainers.ts, and the randomly chosen options. An
 * option of the entry is omitted if it was also chosen, or if a chosen option excludes it.
 */
function wordsOf(row: TrainerRow, drawn: readonly Drawn[]): string[] {
  const valueOf = new Map(drawn.map(({ flag, value }) => [flag, value]));
  const replaced = new Set(drawn.flatMap(({ flag }) => inPlaceOf[flag] ?? []));
  const all = drawnOptions(row);
  const isLeftOut = (flag: string): boolean => {
    if (valueOf.has(flag) || replaced.has(flag)) return true;
    const option = all.find(({ long }) => long === flag);
    return Object.entries(option?.declared.only ?? {}).some(([name, values]) => {
      const other = all.find((one) => one.optionName === name);
      const value = other && valueOf.get(other.long!);
      return value !== undefined && values !== true && !values.includes(value);
    });
  };
  const own = [...row.columns, ...row.small, "--threads", "1"];
  const kept = own.filter((word, i) => !isLeftOut(word.startsWith("--") ? word : own[i - 1]!));
  return [...kept, ...drawn.flatMap(({ flag, value }) => (value === undefined ? [flag] : [flag, value]))];
}
