// Users who make up much of a split: metrics and vectors follow them, and a cap of events may have put them there.

import { MISSING, keyAt } from "../../log/keys.js";
import { columnNamed, type KeyColumn } from "../../dataset/dataset.js";
import type { EventLimits } from "../../dataset/filters/event-limits.js";
import type { Part } from "../examples/examples.js";
import type { SplitParts } from "../reading/split-parts.js";

/** A user with more of a split's rows is reported, if that is also so many times the rows of its average user. */
const LARGE_SHARE = 0.1;
const TIMES_AVERAGE = 10;
/** Rows below which a share says little. */
const FEW_ROWS = 100;
/** How much more of the events of users above the cap must be held out: as a factor and as a difference. */
const MORE_HELD_OUT = { factor: 2, difference: 0.1 };

/** The user with most rows of each split, where that is a large share. */
export function userShareWarnings(parts: SplitParts["parts"]): string[] {
  const found = new Map<string, string[]>();
  for (const [name, part] of Object.entries(parts)) {
    const column = part && userColumn(part);
    if (!column || part.rows.length < FEW_ROWS) continue;
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
