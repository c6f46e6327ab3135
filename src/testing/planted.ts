// Logs with a planted structure: users and items belong to groups, and users mostly click, buy or like items of their
// own group.
//
//   odds(click) = 0.05 * (100 if the groups are the same) * odds of the user * odds of the item * odds of the device
//   p(click)    = odds / (1 + odds)
//
// Odds multiply where scores would add, so that no exp is needed: every number here is computed with +, -, * and /, and
// the files have the same bytes on every engine. An item's name contains its group (`tea-03`), but no column does:
// neighbors can be found from the interactions only.

import { between, integerBelow, mulberry32, pick, pickWeighted, type Random } from "./random.js";

/** Names of the planted groups. The key of an item is its group, a dash and two digits. */
export const GROUPS = ["tea", "camera", "garden", "chess", "running", "baking", "guitar", "travel"] as const;

const ITEMS_PER_GROUP = 12;
const USERS = 160;
/** Time of the first event: 2024-03-04 00:00 UTC, a Monday. */
const START = 1709510400;
const WEEKS = 4;

/** A planted log as a file's text, and the true probability of each of its rows. */
export interface PlantedClicks {
  csv: string;
  /** u8[numRows]: 1 for a click */
  labels: Uint8Array;
  /** f64[numRows]: the probability that the label was drawn with */
  probabilities: Float64Array;
}

/** Returns the planted group that an item's key names: `tea` for tea-03. */
export function groupOf(item: string): string {
  return item.slice(0, item.lastIndexOf("-"));
}

/** Returns every item's key, group by group. */
export function plantedItems(): string[] {
  return GROUPS.flatMap((group) =>
    Array.from({ length: ITEMS_PER_GROUP }, (_, i) => `${group}-${String(i + 1).padStart(2, "0")}`),
  );
}

/**
 * Returns impressions over four weeks in order of time: `click,user_id,item_id,device,hour,timestamp`.
 *
 * Two impressions in five are of the user's own group, the others of any; one device cell in fifty is empty.
 */
export function plantedClicks(seed: number, numRows: number): PlantedClicks {
  const random = mulberry32(seed);
  const items = plantedItems();
  const itemOdds = items.map(() => between(0.5, 1.5, random));
  const popularity = popularities(random);
  const userOdds = Array.from({ length: USERS }, () => between(0.5, 1.5, random));
  const activity = Array.from({ length: USERS }, () => between(0.3, 1.7, random));
  const devices = ["phone", "desktop", "tablet"] as const;
  const deviceOdds = { phone: 1.2, desktop: 0.8, tablet: 1, "": 1 };

  const labels = new Uint8Array(numRows);
  const probabilities = new Float64Array(numRows);
  const lines = ["click,user_id,item_id,device,hour,timestamp"];
  for (const [row, time] of times(numRows, random).entries()) {
    const user = pickWeighted(activity, random);
    const group = random() < 0.4 ? user % GROUPS.length : integerBelow(GROUPS.length, random);
    const item = group * ITEMS_PER_GROUP + pickWeighted(popularity[group]!, random);
    const device = random() < 0.02 ? "" : devices[pickWeighted([6, 3, 1], random)]!;

    const match = group === user % GROUPS.length ? 100 : 1;
    const odds = 0.05 * match * userOdds[user]! * itemOdds[item]! * deviceOdds[device];
    probabilities[row] = odds / (1 + odds);
    labels[row] = random() < probabilities[row]! ? 1 : 0;
    const hour = Math.floor(time / 3600) % 24;
    lines.push([labels[row], userKey(user), items[item], device, hour, time].join(","));
  }
  return { csv: `${lines.join("\n")}\n`, labels, probabilities };
}

/**
 * Returns purchases without a label, in order of time: `customer_id,product_id,brand,channel,purchased_at`.
 *
 * Nine purchases in ten are of the customer's own group. A product has one brand, drawn independently of its group, so
 * that a negative has to replace both; the channel belongs to the purchase.
 */
export function plantedPurchases(seed: number, numRows: number): string {
  const random = mulberry32(seed);
  const items = plantedItems();
  const popularity = popularities(random);
  const brands = items.map(() => pick(["Aster", "Birch & Co", "Cobalt", "Dune", "Ember"], random));

  const lines = ["customer_id,product_id,brand,channel,purchased_at"];
  for (const time of times(numRows, random)) {
    const user = integerBelow(USERS, random);
    const group = random() < 0.9 ? user % GROUPS.length : integerBelow(GROUPS.length, random);
    const item = group * ITEMS_PER_GROUP + pickWeighted(popularity[group]!, random);
    const channel = pick(["web", "app", "store"], random);
    const iso = new Date(time * 1000).toISOString().replace(".000", "");
    lines.push([userKey(user), items[item], brands[item], channel, iso].join(","));
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Returns ratings from 1 to 10 and a side table of the items: `user_id,item_id,rating,timestamp` and
 * `item_id,title,genres,year`.
 *
 * Ids are digits with leading zeros. An item has one to three genres (`Comedy|Drama`); a user likes three genres, and a
 * rating rises with each of the item's genres among them.
 */
export function plantedRatings(seed: number, numRows: number): { ratings: string; items: string } {
  const random = mulberry32(seed);
  const genres = ["Action", "Comedy", "Crime", "Drama", "Horror", "Musical", "Romance", "Western"];
  const draw = (n: number): string[] => {
    const drawn = new Set<string>();
    while (drawn.size < n) drawn.add(pick(genres, random));
    return [...drawn].sort();
  };

  const items = Array.from({ length: 120 }, (_, i) => ({
    id: String(2844 + i * 37).padStart(7, "0"),
    title: title(i, random),
    genres: draw(1 + integerBelow(3, random)),
    year: 1950 + integerBelow(74, random),
    quality: between(-1, 1, random),
  }));
  const users = Array.from({ length: 150 }, () => ({ likes: draw(3), mood: between(-1, 1, random) }));

  const lines = ["user_id,item_id,rating,timestamp"];
  for (const time of times(numRows, random)) {
    const userIndex = integerBelow(users.length, random);
    const [user, item] = [users[userIndex]!, pick(items, random)];
    const liked = item.genres.filter((genre) => user.likes.includes(genre)).length / item.genres.length;
    const noise = random() + random() - 1;
    const rating = Math.round(4.5 + 4 * liked + user.mood + item.quality + noise);
    lines.push(
      [String(userIndex + 1).padStart(4, "0"), item.id, Math.min(10, Math.max(1, rating)), time].join(","),
    );
  }
  const table = items.map((item) =>
    [item.id, quoted(item.title), item.genres.join("|"), item.year].join(","),
  );
  return {
    ratings: `${lines.join("\n")}\n`,
    items: `${["item_id,title,genres,year", ...table].join("\n")}\n`,
  };
}

function userKey(user: number): string {
  return `u${String(user + 1).padStart(3, "0")}`;
}

/**
 * Returns for each group the popularity of its items, in random order. The most popular item of a group is drawn about
 * three times as often as the least popular.
 */
function popularities(random: Random): number[][] {
  return GROUPS.map(() => {
    const left = Array.from({ length: ITEMS_PER_GROUP }, (_, i) => 1 / (5 + i));
    return Array.from(
      { length: ITEMS_PER_GROUP },
      () => left.splice(integerBelow(left.length, random), 1)[0]!,
    );
  });
}

/** Returns ascending times of rows, in seconds since 1970: evenly spaced over WEEKS weeks, with seeded jitter. */
function times(numRows: number, random: Random): number[] {
  const step = (WEEKS * 7 * 86400) / numRows;
  return Array.from({ length: numRows }, (_, row) => START + Math.floor((row + random()) * step));
}

/** Returns a title; every seventh one needs quoting because of a comma or a quote. */
function title(i: number, random: Random): string {
  const noun = pick(["River", "Letter", "Winter", "Lighthouse", "Stranger", "Orchard"], random);
  const adjective = pick(["Long", "Last", "Quiet", "Secret", "Second", "Crimson"], random);
  if (i % 14 === 0) return `${noun}, The ${adjective}`;
  return i % 7 === 0 ? `The "${adjective}" ${noun}` : `The ${adjective} ${noun}`;
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * Returns edges between items, drawn by group: `from,to,weight`.
 *
 * Nine edges in ten are within a group, the others between any two items; weights are 1 to 5. No edge leads from an
 * item to itself; some are repeated, in either direction.
 */
export function plantedEdges(seed: number, numEdges: number): string {
  const random = mulberry32(seed);
  const items = plantedItems();
  const lines = ["from,to,weight"];
  while (lines.length <= numEdges) {
    const [from, other] = [pick(items, random), pick(items, random)];
    const own = items.filter((item) => groupOf(item) === groupOf(from));
    const to = random() < 0.9 ? pick(own, random) : other;
    const weight = 1 + integerBelow(5, random);
    if (from !== to) lines.push(`${from},${to},${weight}`);
  }
  return `${lines.join("\n")}\n`;
}
