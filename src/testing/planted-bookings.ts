// A planted log with markets and styles: a session views items of one market, first those of one style, then any of the
// market; some sessions end in a booking of the style. Airbnb's objective should rank the booked item high among those
// of its market.

import { integerBelow, mulberry32, pick, type Random } from "./random.js";

const MARKETS = 24;
const STYLES = 4;
/** Number of items in each market that have the same style. */
const ITEMS = 4;
/** Probability that an early click has the session's style; other clicks have any style of the market. */
const ON_STYLE = 0.4;
/**
 * Number of clicks at the end of a session whose style is drawn at random, so that a window of this size contains no
 * information about the style.
 */
export const COMPARED = 5;
const BOOKED = 0.9;
const REJECTED = 0.5;

export interface PlantedItem {
  key: string;
  market: number;
  style: number;
}

export interface PlantedSession {
  clicks: PlantedItem[];
  booked: PlantedItem | undefined;
  /** an item of another style than the session's, which the user rejects */
  rejected: PlantedItem | undefined;
}

const numItems = MARKETS * STYLES * ITEMS;

export const plantedItems: readonly PlantedItem[] = Array.from({ length: numItems }, (_, i) => ({
  // keys contain no information about the planted groups
  key: `i${(i * 37) % numItems}`,
  market: i % MARKETS,
  style: Math.floor(i / MARKETS) % STYLES,
}));

/** Returns `count` sessions, the same for the same seed. */
export function plantedSessions(seed: number, count: number): PlantedSession[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, () => plantedSession(random));
}

function plantedSession(random: Random): PlantedSession {
  const [market, style] = [integerBelow(MARKETS, random), integerBelow(STYLES, random)];
  const ofMarket = plantedItems.filter((item) => item.market === market);
  const [ofStyle, others] = [true, false].map((isOfStyle) =>
    ofMarket.filter((item) => (item.style === style) === isOfStyle),
  ) as [PlantedItem[], PlantedItem[]];
  const early = 3 + integerBelow(4, random);
  const clicks = Array.from({ length: early + COMPARED }, (_, i) =>
    pick(i < early && random() < ON_STYLE ? ofStyle : ofMarket, random),
  );
  return {
    clicks,
    booked: random() < BOOKED ? pick(ofStyle, random) : undefined,
    rejected: random() < REJECTED ? pick(others, random) : undefined,
  };
}

/**
 * Returns the sessions as a log `session,item,event,market,time`; a booking is the session's last event.
 *
 * @param marketOf returns the market column of an item; empty is missing
 */
export function bookingsCsv(
  sessions: readonly PlantedSession[],
  marketOf: (item: PlantedItem) => string = ({ market }) => `m${market}`,
): string {
  const lines = sessions.flatMap(({ clicks, booked, rejected }, s) => {
    const events = [
      ...clicks.map((item) => [item, "click"] as const),
      ...(rejected ? [[rejected, "rejection"] as const] : []),
      ...(booked ? [[booked, "booking"] as const] : []),
    ];
    return events.map(([item, event], i) =>
      [`s${s}`, item.key, event, marketOf(item), 1_700_000_000 + s * 1000 + i].join(","),
    );
  });
  return `session,item,event,market,time\n${lines.join("\n")}\n`;
}

/** Exchanges each booking with a click of its session, so that the booked item is clicked instead. */
export function withSwappedBookings(sessions: readonly PlantedSession[], seed: number): PlantedSession[] {
  const random = mulberry32(seed);
  return sessions.map((session) => {
    if (!session.booked) return session;
    const at = integerBelow(session.clicks.length, random);
    const clicks = session.clicks.map((item, i) => (i === at ? session.booked! : item));
    return { ...session, clicks, booked: session.clicks[at]! };
  });
}

/** Permutes the markets of the items, so that each is as frequent as before. */
export function permutedMarkets(seed: number): (item: PlantedItem) => string {
  const random = mulberry32(seed);
  const markets = plantedItems.map(({ market }) => market);
  for (let i = markets.length - 1; i > 0; i--) {
    const j = integerBelow(i + 1, random);
    [markets[i], markets[j]] = [markets[j]!, markets[i]!];
  }
  const byKey = new Map(plantedItems.map(({ key }, i) => [key, `m${markets[i]}`]));
  return ({ key }) => byKey.get(key)!;
}

/**
 * Returns the mean rank (1 is best) of booked items among all of their market, by the cosine with an item clicked
 * before.
 *
 * @param vectors by item
 * @param before number of clicks back; 1 is the last click
 */
export function meanRank(
  vectors: ReadonlyMap<string, readonly number[]>,
  sessions: readonly PlantedSession[],
  before: number,
): number {
  const unit = new Map(
    [...vectors].map(([key, vector]) => {
      const length = Math.hypot(...vector);
      return [key, vector.map((x) => x / length)];
    }),
  );
  const cosine = (a: PlantedItem, b: PlantedItem) => {
    const [x, y] = [unit.get(a.key)!, unit.get(b.key)!];
    return x.reduce((sum, value, k) => sum + value * y[k]!, 0);
  };
  let [sum, count] = [0, 0];
  for (const { clicks, booked } of sessions) {
    const clicked = clicks.at(-before);
    if (!booked || !clicked || clicked === booked) continue;
    const best = cosine(clicked, booked);
    const others = plantedItems.filter(
      (item) => item.market === booked.market && item !== booked && item !== clicked,
    );
    sum += 1 + others.filter((item) => cosine(clicked, item) > best).length;
    count++;
  }
  return sum / count;
}
