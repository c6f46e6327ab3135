// A seeded music and podcast service with planted genres: days of plays with the faults that such logs have.
//
// Listeners and tracks have one of eight genres, and no column of the log contains it. An event in three is of a track of
// the listener's genre; other tracks are skipped more often, heard for a shorter time, and rarely liked. 30 % of the
// events have ids in upper case, crawlers play every track, 1.5 % of the events arrive twice, and 3 % late. Every number
// is computed with +, -, * and /, so that the logs have the same bytes on every engine.

import { parquetWriteBuffer } from "hyparquet-writer";
import { between, integerBelow, mulberry32, pick, pickWeighted, type Random } from "./random.js";

/** The planted genres; the last two are podcasts, whose episodes are several times as long as songs. */
const GENRES = ["ambient", "cumbia", "fado", "house", "jazz", "metal", "news", "science"] as const;
const PODCASTS = 2;
const COUNTRIES = [
  { country: "DE", share: 5, offset: 1 },
  { country: "BR", share: 3, offset: -3 },
  { country: "JP", share: 2, offset: 9 },
];
/** Relative number of events in each hour of a listener's day. */
const HOURS = [2, 1, 1, 1, 1, 2, 4, 7, 8, 6, 5, 5, 6, 6, 5, 6, 7, 9, 10, 10, 9, 8, 6, 4];
/** Time of the first day: 2024-03-04 00:00 UTC, a Monday. */
const START = 1709510400;
const DAY = 86_400;

export interface MusicOptions {
  seed?: number;
  days?: number;
  listeners?: number;
  tracks?: number;
  /** Number of events of a weekday without crawlers and repeated plays; a quarter more on Saturdays and Sundays. */
  eventsPerDay?: number;
  /** Number of listeners who play every track once a day. */
  crawlers?: number;
}

/** A line of the log. */
export interface Play {
  event_id: string;
  user_id: string;
  track_id: string;
  event: "play" | "skip";
  /** Time for which the listener heard the track. */
  seconds: number;
  /** Absent unless the listener likes the track. */
  liked?: true;
  country: string;
  /** Unix seconds */
  time: number;
}

export interface MusicDay {
  /** The date, such as 2024-03-04. */
  date: string;
  /** The events that arrived on each hour of the day, in order of arrival. */
  hours: Play[][];
}

export interface Music {
  days: MusicDay[];
  /** CSV: track_id,genre,title */
  catalogue: string;
  /** Returns the planted genre of a track or a listener, whatever the case of the id; undefined for a crawler. */
  genreOf: (id: string) => string | undefined;
}

interface Listener {
  key: string;
  genre: number;
  home: (typeof COUNTRIES)[number];
}

interface Track {
  key: string;
  genre: number;
  length: number;
}

/** Generates the service. The days before a day do not depend on `days`. */
export function music(options: MusicOptions = {}): Music {
  const { seed = 1, days = 7, listeners: numListeners = 3000, tracks: numTracks = 800 } = options;
  const { eventsPerDay = 12_000, crawlers = 3 } = options;
  const random = mulberry32(seed);
  const tracks = Array.from({ length: numTracks }, (_, i) => drawTrack(i, random));
  // a listener stands in the list once per unit of activity
  const listeners = Array.from({ length: numListeners }, (_, i) => drawListener(i, random)).flatMap((one) =>
    Array.from({ length: pick([1, 1, 2, 2, 4, 8], random) }, () => one),
  );
  const robots = Array.from({ length: crawlers }, (_, i) => drawListener(numListeners + i, random));
  const made: MusicDay[] = [];
  let late: Arrival[] = [];
  for (let day = 0; day < days; day++) {
    const ofDay = new DayOfPlays(day, tracks, mulberry32(seed * 1000 + day));
    const numEvents = eventsPerDay * (day % 7 < 5 ? 1 : 1.25);
    for (let i = 0; i < numEvents; i++) ofDay.listen(pick(listeners, ofDay.random));
    for (const robot of robots) ofDay.crawl(robot);
    const arrived = [...late, ...ofDay.arrivals].sort((a, b) => a.second - b.second);
    const end = START + (day + 1) * DAY;
    late = arrived.filter(({ second }) => second >= end);
    const hours = Array.from({ length: 24 }, (): Play[] => []);
    for (const { second, play } of arrived)
      if (second < end) hours[Math.floor((second - START) / 3600) % 24]!.push(play);
    made.push({ date: new Date((end - DAY) * 1000).toISOString().slice(0, 10), hours });
  }
  const genres = new Map([...tracks, ...listeners].map(({ key, genre }) => [key, GENRES[genre]!]));
  const lines = tracks.map(({ key, genre }, i) => `${key},${GENRES[genre]},${GENRES[genre]} no. ${i}`);
  return {
    days: made,
    catalogue: ["track_id,genre,title", ...lines, ""].join("\n"),
    genreOf: (id) => genres.get(id.toLowerCase()),
  };
}

/** Returns a key of seven letters and digits in lower case; keys of different numbers differ. */
function keyOf(number: number): string {
  // an odd factor permutes the integers modulo 2^32
  return (Math.imul(number, 0x9e3779b1) >>> 0).toString(36).padStart(7, "a");
}

function drawTrack(index: number, random: Random): Track {
  const genre = index % GENRES.length;
  const length = between(150, 330, random) * (genre < GENRES.length - PODCASTS ? 1 : 4);
  return { key: `t${keyOf(index + 1)}`, genre, length };
}

function drawListener(index: number, random: Random): Listener {
  const home =
    COUNTRIES[
      pickWeighted(
        COUNTRIES.map(({ share }) => share),
        random,
      )
    ]!;
  return { key: `l${keyOf(index + 1)}`, genre: index % GENRES.length, home };
}

interface Arrival {
  /** Unix time of arrival */
  second: number;
  play: Play;
}

/** The events of a day while they are drawn. */
class DayOfPlays {
  readonly arrivals: Arrival[] = [];
  constructor(
    private readonly day: number,
    private readonly tracks: readonly Track[],
    readonly random: Random,
  ) {}

  /** Adds an event of a listener, and sometimes repeated plays of its track. */
  listen(listener: Listener): void {
    const { random, tracks } = this;
    const hour = (pickWeighted(HOURS, random) - listener.home.offset + 24) % 24;
    let time = START + this.day * DAY + hour * 3600 + integerBelow(3600, random);
    // tracks of low numbers are popular
    const rank = Math.floor(random() * random() * (tracks.length / GENRES.length));
    const genre = random() < 0.25 ? listener.genre : integerBelow(GENRES.length, random);
    const track = tracks[rank * GENRES.length + genre]!;
    const isOwn = genre === listener.genre;
    if (random() < (isOwn ? 0.15 : 0.6)) {
      this.add(listener, track, time, { event: "skip", seconds: 1 + integerBelow(30, random) });
      return;
    }
    for (let isPlayed = true; isPlayed; isPlayed = isOwn && random() < 0.15) {
      const seconds = Math.round(
        track.length * (isOwn ? between(0.7, 1, random) : between(0.2, 0.6, random)),
      );
      const isLiked = random() < (isOwn ? 0.1 : 0.01);
      this.add(listener, track, time, { event: "play", seconds, ...(isLiked && { liked: true as const }) });
      time += seconds;
    }
  }

  /** Adds a play of every track. */
  crawl(robot: Listener): void {
    for (const track of this.tracks) {
      const time = START + this.day * DAY + integerBelow(DAY, this.random);
      this.add(robot, track, time, { event: "play", seconds: 31 });
    }
  }

  private add(
    { key, home }: Listener,
    track: Track,
    time: number,
    what: Pick<Play, "event" | "seconds" | "liked">,
  ): void {
    const { random } = this;
    const cased = random() < 0.3 ? (id: string) => id.toUpperCase() : (id: string) => id;
    const event_id = `e${this.day}-${this.arrivals.length}`;
    const ids = { event_id, user_id: cased(key), track_id: cased(track.key) };
    const play: Play = { ...ids, ...what, country: home.country, time };
    const second = time + (random() < 0.03 ? integerBelow(5 * 3600, random) : 0);
    this.arrivals.push({ second, play });
    if (random() >= 0.015) return;
    // the queue delivers the event again, with the time of the second attempt
    const delay = 1 + integerBelow(600, random);
    this.arrivals.push({ second: second + delay, play: { ...play, time: time + delay } });
  }
}

/** Writes one object per line. */
export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** Writes Parquet with typed columns. */
export function playsParquet(plays: readonly Play[]): Uint8Array {
  const text = (name: "event_id" | "user_id" | "track_id" | "event" | "country") => ({
    name,
    type: "STRING" as const,
    data: plays.map((play) => play[name]),
  });
  const columnData = [
    ...(["event_id", "user_id", "track_id", "event", "country"] as const).map((name) => text(name)),
    { name: "seconds", type: "INT32" as const, data: plays.map(({ seconds }) => seconds) },
    {
      name: "liked",
      type: "BOOLEAN" as const,
      nullable: true,
      data: plays.map(({ liked }) => liked ?? null),
    },
    { name: "time", type: "INT64" as const, data: plays.map(({ time }) => BigInt(time)) },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
