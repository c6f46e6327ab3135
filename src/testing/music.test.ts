import { csvRows } from "./lines.js";
import { logFiles, rowsOf } from "./log-rows.js";
import { jsonLines, music, playsParquet, type Play } from "./music.js";

const share = <T>(values: readonly T[], holds: (value: T) => boolean) =>
  values.filter((value) => holds(value)).length / values.length;

const { file } = logFiles();

describe("the music service", () => {
  const { days, catalogue, genreOf } = music({ days: 2 });
  const plays = days.flatMap(({ hours }) => hours.flat());
  const people = plays.filter(({ user_id }) => genreOf(user_id) !== undefined);

  test("has hours of events from three countries, in order of arrival, and names each track's genre", () => {
    expect(days.map(({ date, hours }) => [date, hours.length])).toEqual([
      ["2024-03-04", 24],
      ["2024-03-05", 24],
    ]);
    expect(new Set(plays.map(({ country }) => country))).toEqual(new Set(["DE", "BR", "JP"]));
    const tracks = csvRows(catalogue);
    expect(tracks).toHaveLength(800);
    expect(tracks.every(([track, genre]) => genreOf(track!.toUpperCase()) === genre)).toBe(true);
  });

  test("tracks of the listener's genre are skipped less, heard for longer and liked more", () => {
    const [own, other] = [true, false].map((isOwn) =>
      people.filter(({ user_id, track_id }) => (genreOf(user_id) === genreOf(track_id)) === isOwn),
    );
    for (const holds of [
      ({ event }: Play) => event === "play",
      ({ seconds }: Play) => seconds > 120,
      ({ liked }: Play) => liked === true,
    ])
      expect(share(own!, holds)).toBeGreaterThan(1.5 * share(other!, holds));
  });

  test("has repeated event ids, late events, ids in upper case and crawlers", () => {
    expect(1 - new Set(plays.map(({ event_id }) => event_id)).size / plays.length).toBeCloseTo(0.015, 2);
    const hours = days[1]!.hours.flatMap((each, hour) => each.map(({ time }) => [hour, time] as const));
    expect(share(hours, ([hour, time]) => Math.floor(time / 3600) % 24 !== hour)).toBeCloseTo(0.03, 2);
    expect(share(plays, ({ track_id }) => track_id === track_id.toUpperCase())).toBeCloseTo(0.3, 1);
    expect(share(plays, ({ user_id }) => genreOf(user_id) === undefined)).toBeCloseTo(0.15, 1);
  });

  test("gives the same first days whatever the number of days", () => {
    expect(music({ days: 1 }).days).toEqual(days.slice(0, 1));
  });

  test("has the same rows as JSON lines and as Parquet", async () => {
    const hour = days[0]!.hours[7]!;
    const numbers = ["seconds", "time"];
    const lines = await rowsOf(file("hour.jsonl", jsonLines(hour)), {}, { numbers });
    const parquet = await rowsOf(file("hour.parquet", playsParquet(hour)), {}, { numbers });
    const cells = ({ columns, rows }: typeof lines) =>
      rows.map((row) => columns.toSorted().map((name) => row[columns.indexOf(name)]));
    expect(cells(parquet)).toEqual(cells(lines));
  });
});
