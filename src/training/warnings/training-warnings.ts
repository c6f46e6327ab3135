import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { taskOfLabels, labelsOf } from "../../dataset/labels.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { SplitParts } from "../reading/split-parts.js";
import { keyAt } from "../../log/keys.js";
import { countKeys } from "../../dataset/vocabulary/key-counts.js";
import type { EventLimits } from "../../dataset/filters/event-limits.js";
import type { Part } from "../examples/examples.js";
import { DataError } from "../../base/errors.js";

/** Value above which a number in a multi-valued cell is probably unintended. */
const LARGE_VALUE = 1000;
const MOST_NAMED = 5;

/** Number of rows below which metrics of a validation split are mostly random. */
const FEW_ROWS = 10;

export function smallSplitWarnings({ valid }: Pick<SplitParts["parts"], "valid">): string[] {
  const numRows = valid?.rows.length ?? 0;
  if (numRows === 0 || numRows >= FEW_ROWS) return [];
  const rows = numRows === 1 ? "1 row" : `${numRows} rows`;
  return [`the validation split has ${rows}: what is chosen by it, such as the best epoch, is mostly chance`];
}

/** Warns about a test split that the command does not evaluate. */
export function unmeasuredWarnings({ test }: Pick<SplitParts["parts"], "test">): string[] {
  const numRows = test?.rows.length ?? 0;
  if (numRows === 0) return [];
  return [
    `the ${numRows} rows of the test split are held out, but this command measures nothing on them: omit --test ` +
      "to train on them, too",
  ];
}

/** Warns about fields with at most one value. */
export function fieldWarnings({ fields }: FeatureSpace): string[] {
  const empty = fields.filter((field) => field.kind === "number" && field.count === 0);
  const fieldsOfSize = (size: number) =>
    fields.filter((field) => field.kind !== "number" && field.keys.size === size);
  const saying = (
    found: FeatureSpace["fields"],
    what: string,
    number: "field" | "numeric field",
    then: string,
  ) => {
    if (found.length === 0) return [];
    if (found.length === 1) return [`${number} '${found[0]!.name}' ${what} in the training split${then}`];
    const named = found.slice(0, MOST_NAMED).map(({ name }) => `'${name}'`);
    const others = found.length > MOST_NAMED ? ` and ${found.length - MOST_NAMED} more` : "";
    return [
      `${found.length} ${number}s (${named.join(", ")}${others}): each ${what} in the training split${then}`,
    ];
  };
  const apart = " and carries no information; --ignore excludes it";
  return [
    ...saying(empty, "is empty", "numeric field", ""),
    ...saying(fieldsOfSize(1), "has one value", "field", apart),
    ...saying(fieldsOfSize(0), "has no value", "field", apart),
  ];
}

/** Warns about large numbers in multi-valued cells: they are not scaled, and thousands make a training diverge. */
export function valueWarnings({ columns }: Dataset): string[] {
  return columns.flatMap((column) => {
    const weights = column.kind === "multi" ? column.weights : undefined;
    const largest = weights?.reduce((most, x) => Math.max(most, Math.abs(x)), 0) ?? 0;
    if (largest <= LARGE_VALUE) return [];
    return [
      `'${column.name}' has values up to ${largest}, which are not scaled: standardize them, or scale them ` +
        "to about 1",
    ];
  });
}

/** Warns about numeric labels with two values other than 0 and 1, which may be classes, such as clicks as 1 and 2. */
export function labelWarnings(
  dataset: Dataset,
  { task, positiveFrom }: { task?: string; positiveFrom?: number },
): string[] {
  const name = dataset.roles.label;
  if (name === undefined || task !== undefined || positiveFrom !== undefined) return [];
  const column = columnNamed(dataset, name);
  if (column.kind !== "number") return [];
  // remembers the first label and the first different label; a third label ends the search
  const { values } = column;
  const first = values[0]!;
  let other = first;
  for (let row = 0; row < values.length; row++) {
    const label = values[row]!;
    if (label === first || label === other) continue;
    if (other !== first) return [];
    other = label;
  }
  if (other === first || taskOfLabels([first, other]) === "binary") return [];
  const [low, high] = [Math.min(first, other), Math.max(first, other)];
  return [
    `the label '${name}' is ${low} or ${high} and is predicted as a number: if these are two classes, use ` +
      `--positive-from ${high}; if it is a number, --task regression hides this warning`,
  ];
}

/** Thresholds for reporting a user: share of a split's rows, and number of rows relative to the average user. */
const LARGE_SHARE = 0.1;
const TIMES_AVERAGE = 10;
/** Minimum number of rows for which users' shares are meaningful. */
const TOO_FEW_FOR_SHARES = 100;
/** Least factor and difference by which capped users' share of held-out events exceeds other users', for a warning. */
const MORE_HELD_OUT = { factor: 2, difference: 0.1 };

export function userShareWarnings(parts: SplitParts["parts"]): string[] {
  const found = new Map<string, string[]>();
  for (const [name, part] of Object.entries(parts)) {
    const column = part && userColumn(part);
    if (!column || part.rows.length < TOO_FEW_FOR_SHARES) continue;
    const events = eventsByUser(column, [part]);
    const most = events.reduce((best, n, code) => (n > events[best]! ? code : best), 0);
    const numUsers = events.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0);
    const share = events[most]! / part.rows.length;
    if (!(share > LARGE_SHARE && share * numUsers > TIMES_AVERAGE)) continue;
    const user = keyAt(column.dictionary, most);
    const split = { train: "training", valid: "validation", test: "test" }[name]!;
    const text = `${(100 * share).toFixed(1)} % of the ${split} split`;
    found.set(user, [...(found.get(user) ?? []), text]);
  }
  return [...found].map(
    ([user, shares]) =>
      `user '${user}' makes up ${shares.join(" and ")}: if it is a bot or a test account, leave it out with ` +
      "--drop-users-above N or --drop-users-above-per-day N (embed inspect shows the most frequent users)",
  );
}

/** Warns if --max-events-per-user has increased the share of capped users' events in the held-out splits. */
export function capWarnings(
  { train, ...heldOut }: SplitParts["parts"],
  { maxEventsPerUser, keepEvents = "latest" }: EventLimits,
): string[] {
  const held = Object.values(heldOut).filter((part) => part?.dataset === train.dataset) as Part[];
  const column = userColumn(train);
  if (maxEventsPerUser === undefined || keepEvents !== "latest" || !column || held.length === 0) return [];
  const all = eventsByUser(column, [train, ...held]);
  const out = eventsByUser(column, held);
  const [capped, others] = [new HeldOut(), new HeldOut()];
  all.forEach((events, code) => {
    if (events > 0) (events >= maxEventsPerUser ? capped : others).add(events, out[code]!);
  });
  const isMore =
    capped.share > MORE_HELD_OUT.factor * others.share &&
    capped.share - others.share > MORE_HELD_OUT.difference;
  if (!isMore || others.users === 0) return [];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const users = capped.users === 1 ? "the 1 user" : `the ${capped.users.toLocaleString("en")} users`;
  return [
    `--max-events-per-user ${maxEventsPerUser} keeps the latest events: ${percent(capped.share)} of those of ` +
      `${users} with so many are held out (other users: ${percent(others.share)}). --keep-events spread keeps ` +
      "events of all times; --drop-users-above leaves users such as bots out",
  ];
}

class HeldOut {
  users = 0;
  #events = 0;
  #out = 0;

  add(events: number, out: number): void {
    this.users++;
    this.#events += events;
    this.#out += out;
  }

  get share(): number {
    return this.#out / Math.max(1, this.#events);
  }
}

function userColumn({ dataset }: Part): KeyColumn | undefined {
  const { user } = dataset.roles;
  const column = user === undefined ? undefined : columnNamed(dataset, user);
  return column?.kind === "key" ? column : undefined;
}

/** Returns u32[size of the dictionary]: the number of rows of each user in splits of one dataset; read-only. */
function eventsByUser(column: KeyColumn, parts: readonly Part[]): Uint32Array {
  const [events, ...others] = parts.map(({ rows }) => countKeys(column, rows));
  return others.reduce((sum, own) => sum.map((count, code) => count + own[code]!), events!);
}

const MOST_CLASSES = 100;

/** Warns if labels are few integers, which may be classes. Ratings of items by users are assumed to be numbers. */
export function classWarnings(dataset: Dataset, command: string): string[] {
  const { label, user, item } = dataset.roles;
  const { task, values } = labelsOf(dataset);
  const distinct = new Set(values);
  const isFew = distinct.size <= MOST_CLASSES && [...distinct].every(Number.isInteger);
  if (task !== "regression" || !isFew || (user !== undefined && item !== undefined)) return [];
  return [
    `the label '${label}' has ${distinct.size} whole values and is compared as a number; if they are classes, compare does not ` +
      `cover them: ${command} --label ${label}`,
  ];
}

/** Adds advice on class names to an error about a label; returns other errors unchanged. */
export function adviceOfClasses(error: DataError, command: string): DataError {
  const { detail, place } = error;
  if (!/ label\b/.test(detail)) return error;
  const label = place?.column ?? "COLUMN";
  return new DataError(
    `${detail}; compare has no labels that are names of classes: ${command} --label ${label}`,
    place,
  );
}
