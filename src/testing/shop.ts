// A seeded shop with planted groups: days of impressions and purchases, a catalogue, and days with realistic faults.
//
//   odds(click) = 0.05 * (40 if item and user have the same group) * odds of the user * odds of the item
//   p(click)    = odds / (1 + odds)
//
// Users and items have one of eight groups, and no column of the logs contains it. The catalogue's category is the
// group, with some cells missing. Item keys are 64-bit integers, as databases assign them: conversion to a double
// changes their last digits. Every number is computed with +, -, * and /, so that the logs have the same bytes on every
// engine.

import { GROUPS } from "./planted.js";
import { between, integerBelow, mulberry32, pick, pickWeighted, type Random } from "./random.js";

/** Time of the first day: 2024-03-04 00:00 UTC, a Monday. */
const START = 1709510400;
const DAY = 86_400;
const FIRST_ITEM = 7_698_748_444_440_000_000n;
/**
 * Difference between consecutive item keys. It exceeds the spacing of doubles at their size, so that rounding changes
 * keys but does not merge them.
 */
const ITEM_STEP = 7_177n;
const ITEMS_PER_GROUP = 16;

export interface ShopOptions {
  seed?: number;
  days?: number;
  users?: number;
  impressionsPerDay?: number;
  purchasesPerDay?: number;
  /** Number of crawlers, each with `botEvents` impressions per day of random items, and no click. */
  bots?: number;
  botEvents?: number;
  /** Number of items that are added to the catalogue at the start of each day but the first. */
  newItemsPerDay?: number;
  /** If false, clicks depend only on the user's odds and on the item's odds, so that vectors have nothing to learn. */
  preferences?: boolean;
}

export interface ShopDay {
  /** The date, such as 2024-03-04. */
  date: string;
  /** CSV: click,user_id,item_id,device,timestamp */
  impressions: string;
  /** CSV: order_id,user_id,item_id,quantity,timestamp. Nine purchases in ten are of the user's group. */
  purchases: string;
}

export interface Shop {
  days: ShopDay[];
  /** CSV: item_id,category,title,price. One category in twenty is missing: empty, NA or null. */
  catalogue: string;
  /** Returns the planted group of an item's key or a user's key; undefined for a bot. */
  groupOf: (key: string) => string | undefined;
  /** Returns the keys of the items in the catalogue on a day, which is given by its index. */
  itemsOn: (day: number) => string[];
}

interface Item {
  key: string;
  group: number;
  odds: number;
  /** Index of the first day on which the shop sells the item. */
  added: number;
}

interface User {
  key: string;
  group: number;
  odds: number;
  /** Relative number of impressions of this user; the numbers of all users are scaled to the day's total. */
  activity: number;
}

/** Generates the shop. The days before a day do not depend on `days`, so a later week continues an earlier one. */
export function shop(options: ShopOptions = {}): Shop {
  const { seed = 1, days = 5, users: numUsers = 240, newItemsPerDay = 2 } = options;
  const random = mulberry32(seed);
  const users = Array.from({ length: numUsers }, (_, i) => drawUser(i, random));
  const items = Array.from({ length: GROUPS.length * ITEMS_PER_GROUP }, (_, i) => drawItem(i, 0, random));
  const made: ShopDay[] = [];
  for (let day = 0; day < days; day++) {
    const ofDay = mulberry32(seed * 1000 + day);
    const numNew = day === 0 ? 0 : newItemsPerDay;
    for (let i = 0; i < numNew; i++) items.push(drawItem(items.length, day, ofDay));
    made.push({
      date: new Date((START + day * DAY) * 1000).toISOString().slice(0, 10),
      impressions: drawImpressions(day, users, items, options, ofDay),
      purchases: drawPurchases(day, users, items, options.purchasesPerDay ?? 600, ofDay),
    });
  }
  const groups = new Map([...users, ...items].map(({ key, group }) => [key, GROUPS[group]!]));
  return {
    days: made,
    catalogue: catalogueOf(items, mulberry32(seed + 7)),
    groupOf: (key) => groups.get(key),
    itemsOn: (day) => items.filter(({ added }) => added <= day).map(({ key }) => key),
  };
}

function drawUser(index: number, random: Random): User {
  const key = `u${String(index).padStart(4, "0")}`;
  // few users have many events, as in a shop
  const activity = 1 / (1 + integerBelow(20, random));
  return { key, group: index % GROUPS.length, odds: between(0.5, 1.5, random), activity };
}

function drawItem(index: number, added: number, random: Random): Item {
  const key = String(FIRST_ITEM + BigInt(index) * ITEM_STEP);
  return { key, group: index % GROUPS.length, odds: pick([0.5, 1, 2], random), added };
}

function drawImpressions(
  day: number,
  users: User[],
  items: Item[],
  options: ShopOptions,
  random: Random,
): string {
  const { impressionsPerDay = 2400, bots = 0, botEvents = 1500, preferences = true } = options;
  const activities = users.map(({ activity }) => activity);
  const rows: { second: number; line: string }[] = [];
  const add = (click: number, user: string, item: string) => {
    const second = integerBelow(DAY, random);
    const device = integerBelow(50, random) === 0 ? "" : pick(["phone", "desktop", "tablet"], random);
    rows.push({ second, line: `${click},${user},${item},${device},${START + day * DAY + second}` });
  };
  for (let i = 0; i < impressionsPerDay; i++) {
    const user = users[pickWeighted(activities, random)]!;
    const item = drawShown(user, items, 0.4, random);
    const same = preferences ? item.group === user.group : integerBelow(GROUPS.length, random) === 0;
    const odds = 0.05 * (same ? 40 : 1) * user.odds * item.odds;
    add(random() < odds / (1 + odds) ? 1 : 0, user.key, item.key);
  }
  for (let bot = 0; bot < bots; bot++) {
    for (let i = 0; i < botEvents; i++) add(0, `bot-${bot + 1}`, pick(items, random).key);
  }
  rows.sort((a, b) => a.second - b.second);
  return ["click,user_id,item_id,device,timestamp", ...rows.map(({ line }) => line), ""].join("\n");
}

function drawPurchases(day: number, users: User[], items: Item[], count: number, random: Random): string {
  const activities = users.map(({ activity }) => activity);
  const lines = ["order_id,user_id,item_id,quantity,timestamp"];
  for (let i = 0; i < count; i++) {
    const user = users[pickWeighted(activities, random)]!;
    const item = drawShown(user, items, 0.9, random);
    // orders are written in the order of their times
    const second = Math.floor((i * DAY) / count);
    lines.push(
      `${day * 100_000 + i},${user.key},${item.key},${1 + integerBelow(3, random)},${START + day * DAY + second}`,
    );
  }
  return [...lines, ""].join("\n");
}

/** Returns an item of the user's group with probability `own`, and any item otherwise. */
function drawShown(user: User, items: Item[], own: number, random: Random): Item {
  if (random() >= own) return pick(items, random);
  // an item's group is its index modulo the number of groups
  const numOfGroup = Math.floor((items.length - 1 - user.group) / GROUPS.length) + 1;
  return items[user.group + GROUPS.length * integerBelow(numOfGroup, random)]!;
}

function catalogueOf(items: Item[], random: Random): string {
  const lines = items.map(({ key, group }, i) => {
    const category = integerBelow(20, random) === 0 ? pick(["", "NA", "null"], random) : GROUPS[group]!;
    return `${key},${category},${GROUPS[group]} no. ${i},${between(1, 90, random).toFixed(2)}`;
  });
  return ["item_id,category,title,price", ...lines, ""].join("\n");
}

/** Faults of a day's log of impressions: each function inserts one into the CSV of a day without faults. */
export const brokenDays = {
  /** The click tracker was down. */
  zeroLabels: (csv: string) => mapRows(csv, (cells) => ["0", ...cells.slice(1)]),
  /** Every impression is marked as a click. */
  oneLabels: (csv: string) => mapRows(csv, (cells) => ["1", ...cells.slice(1)]),
  /** The upload ended after a quarter of the rows. */
  quarter: (csv: string) => {
    const [header, ...rows] = csv.trimEnd().split("\n");
    return [header, ...rows.slice(0, Math.floor(rows.length / 4)), ""].join("\n");
  },
  /** A spreadsheet wrote the ids: 7.698748E+18. */
  exponentIds: (csv: string) =>
    mapRows(csv, (cells) => cells.with(2, Number(cells[2]).toExponential(6).toUpperCase())),
  /** pandas read the ids as float64 and wrote them as integers. */
  roundedIds: (csv: string) => mapRows(csv, (cells) => cells.with(2, String(Number(cells[2])))),
  /** All events have the same user. */
  oneUser: (csv: string) => mapRows(csv, (cells) => cells.with(1, "u0000")),
} satisfies Record<string, (csv: string) => string>;

function mapRows(csv: string, change: (cells: string[]) => string[]): string {
  const [header, ...rows] = csv.trimEnd().split("\n");
  return [header, ...rows.map((row) => change(row.split(",")).join(",")), ""].join("\n");
}
