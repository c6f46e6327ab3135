// A planted log of markets and styles: a session looks at items of one market, first at those of a style, then at whatever the market
// has; some end in a booking of the style. Airbnb's terms should find the booked item among those of its market.

import { integerBelow, mulberry32, pick, type Random } from "./random.js";

const MARKETS = 24;
const STYLES = 4;
/** Of each market and style. */
const ITEMS = 4;
/** Chance that an early click is of the session's style; others are of any style of the market. */
const ON_STYLE = 0.4;
/** The last clicks compare what the market has, of any style: a window of so many sees nothing of the style. */
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
  /** of another style than the session's */
  rejected: PlantedItem | undefined;
}

const numItems = MARKETS * STYLES * ITEMS;

export const plantedItems: readonly PlantedItem[] = Array.from({ length: numItems }, (_, i) => ({
  // keys say nothing of what is planted
  key: `i${(i * 37) % numItems}`,
  market: i % MARKETS,
  style: Math.floor(i / MARKETS) % STYLES,
}));

/** So many sessions, the same for the same seed. */
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
 * The sessions as a log `session,item,event,market,time`; a booking is the session's last event.
 *
 * @param marketOf what stands in the column of an item's market; empty is missing
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

/** The sessions with each booking moved to a click of the session; the item that was booked is clicked in its place. */
export function withSwappedBookings(sessions: readonly PlantedSession[], seed: number): PlantedSession[] {
  const random = mulberry32(seed);
  return sessions.map((session) => {
    if (!session.booked) return session;
    const at = integerBelow(session.clicks.length, random);
    const clicks = session.clicks.map((item, i) => (i === at ? session.booked! : item));
    return { ...session, clicks, booked: session.clicks[at]! };
  });
}

/** Markets dealt anew among the items, each as often as before. */
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
 * The mean rank (1 is best) of booked items among all of their market, by the cosine with the item clicked so many clicks before.
 *
 * @param vectors by item
 * @param before 1 is the last click
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
