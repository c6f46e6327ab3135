// What a training part holds that makes training odd, though not impossible: sentences for the summary.

import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { taskOfLabels } from "../../dataset/labels.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { SplitParts } from "../reading/split-parts.js";
import { MISSING, keyAt } from "../../log/keys.js";
import type { EventLimits } from "../../dataset/filters/event-limits.js";
import type { Part } from "../examples/examples.js";

/** Values above it are seldom meant. */
const LARGE_VALUE = 1000;
/** Fields that are named in one sentence. */
const MOST_NAMED = 5;

/** Rows of a validation split below which its metrics are mostly chance. */
const FEW_ROWS = 10;

/** A validation split that is too small to choose an epoch or a setting by. */
export function smallSplitWarnings({ valid }: Pick<SplitParts["parts"], "valid">): string[] {
  const numRows = valid?.rows.length ?? 0;
  if (numRows === 0 || numRows >= FEW_ROWS) return [];
  const rows = numRows === 1 ? "1 row" : `${numRows} rows`;
  return [`the validation split has ${rows}: what is chosen by it, such as the best epoch, is mostly chance`];
}

/** A test split that the training holds out and does not look at. */
export function unmeasuredWarnings({ test }: Pick<SplitParts["parts"], "test">): string[] {
  const numRows = test?.rows.length ?? 0;
  if (numRows === 0) return [];
  return [
    `the ${numRows} rows of the test split are held out, but this command measures nothing on them: omit --test ` +
      "to train on them, too",
  ];
}

/** Fields that tell nothing apart. */
export function fieldWarnings({ fields }: FeatureSpace): string[] {
  const empty = fields.filter((field) => field.kind === "number" && field.count === 0);
  const keysOf = (size: number) =>
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
    ...saying(keysOf(1), "has one value", "field", apart),
    ...saying(keysOf(0), "has no value", "field", apart),
  ];
}

/** Numbers that cells carry are taken as they are: in the thousands they drive a training apart. */
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

/** Labels of two values other than 0 and 1, without --task or --positive-from: probably classes, such as clicks as 1 and 2. */
export function labelWarnings(
  dataset: Dataset,
  { task, positiveFrom }: { task?: string; positiveFrom?: number },
): string[] {
  const name = dataset.roles.label;
  if (name === undefined || task !== undefined || positiveFrom !== undefined) return [];
  const column = columnNamed(dataset, name);
  if (column.kind !== "number") return [];
  // the first label, and the first that differs; a third settles it
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

/** A user with more of a split's rows is reported, if that is also so many times the rows of its average user. */
const LARGE_SHARE = 0.1;
const TIMES_AVERAGE = 10;
/** Rows below which a share says little. */
const TOO_FEW_FOR_SHARES = 100;
/** How much more of the events of users above the cap must be held out: as a factor and as a difference. */
const MORE_HELD_OUT = { factor: 2, difference: 0.1 };

/** The user with most rows of each split, where that is a large share. */
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

/** --max-events-per-user has moved the events of users above it into the splits that are held out. */
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

/** Events of some users, and how many of them are held out. */
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

/** u32[size of the dictionary]: rows of each user in parts of one dataset. */
function eventsByUser({ codes, dictionary }: KeyColumn, parts: readonly Part[]): Uint32Array {
  const events = new Uint32Array(dictionary.size);
  for (const { rows } of parts) for (const row of rows) if (codes[row] !== MISSING) events[codes[row]!]!++;
  return events;
}
