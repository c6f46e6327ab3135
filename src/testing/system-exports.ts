// Small exports as real systems write them, by name: docs/messy-logs.md reads each of them with one command. All
// exports contain the same events, drawn from a seed, as far as the system has columns for them.

import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { mulberry32 } from "./random.js";

/** An event of the log that all exports contain. */
interface Event {
  user: string;
  item: string;
  category: string | undefined;
  clicked: boolean;
  rating: number;
  price: number | undefined;
  /** time of the event in ms since 1970 */
  time: number;
}

const NUM_EVENTS = 400;
const START = Date.UTC(2026, 0, 1, 8);

function drawnEvents(): Event[] {
  const random = mulberry32(22);
  const below = (n: number) => Math.floor(random() * n);
  return Array.from({ length: NUM_EVENTS }, (_, i) => {
    const [user, item] = [below(30), below(20)];
    return {
      user: `u${user}`,
      item: `i${item}`,
      category: below(8) === 0 ? undefined : ["garden", "tea", "travel"][item % 3]!,
      clicked: (user + item) % 3 === 0 || below(4) === 0,
      rating: 1 + ((user * item + below(2)) % 5),
      price: below(10) === 0 ? undefined : 100 + below(400_000) / 100,
      time: START + i * 1_200_000,
    };
  });
}

const iso = (time: number) => new Date(time).toISOString();
const day = (time: number) => iso(time).slice(0, 10);
const clock = (time: number) => iso(time).slice(11, 16);
const seconds = (time: number) => String(time / 1000);
const lines = (rows: readonly string[], end = "\n") => rows.map((row) => row + end).join("");
const joined = (delimiter: string, rows: readonly (readonly string[])[], end = "\n") =>
  lines(
    rows.map((row) => row.join(delimiter)),
    end,
  );

/** Formats a number as German programs do: 1.234,56. */
function german(x: number): string {
  const [whole = "", fraction = ""] = x.toFixed(2).split(".");
  return `${whole.replaceAll(/\B(?=(\d{3})+$)/g, ".")},${fraction}`;
}

/** Generates all exports. @returns the contents of each file, by its path */
export function systemExports(): Record<string, string | Uint8Array> {
  const events = drawnEvents();
  const rowsOf = (row: (event: Event, i: number) => string[]) => events.map(row);
  const days = [...new Set(events.map(({ time }) => day(time)))];
  const criteo = rowsOf(({ clicked, user, item, price }, i) => [
    clicked ? "1" : "0",
    ...Array.from({ length: 13 }, (_, n) => (price === undefined && n > 8 ? "" : String((i * (n + 3)) % 41))),
    ...Array.from({ length: 26 }, (_, n) =>
      n === 25 && price === undefined
        ? ""
        : (Number((n % 2 === 0 ? user : item).slice(1)) * 7919 + n).toString(16).padStart(8, "0"),
    ),
  ]);
  const plain = rowsOf(({ user, item, category = "", clicked, price = "", time }) => [
    ...[user, item, category, clicked ? "1" : "0"],
    ...[String(price), iso(time)],
  ]);
  const header = ["user_id", "item_id", "category", "clicked", "price", "timestamp"];
  const files: Record<string, string | Uint8Array> = {
    "criteo/train.txt": joined("\t", criteo),
    "movielens-1m/ratings.dat": joined(
      "::",
      rowsOf(({ user, item, rating, time }) => [user.slice(1), item.slice(1), String(rating), seconds(time)]),
    ),
    "movielens-100k/u.data": joined(
      "\t",
      rowsOf(({ user, item, rating, time }) => [user.slice(1), item.slice(1), String(rating), seconds(time)]),
    ),
    "amazon/reviews.json.gz": gzipSync(
      lines(
        events.map(({ user, item, rating, time }, i) =>
          JSON.stringify({
            ...{
              reviewerID: user,
              asin: item,
              helpful: [i % 3, 3],
              reviewText: 'Good, "as" told',
              overall: rating,
            },
            ...{ unixReviewTime: time / 1000, reviewTime: `${day(time).slice(5, 7)} 1, 2026` },
          }),
        ),
      ),
    ),
    "clickhouse/events.tsv": joined("\t", [
      header,
      ...rowsOf(({ user, item, category = "\\N", clicked, price, time }) => [
        ...[user, item, category, clicked ? "true" : "false"],
        ...[price === undefined ? "\\N" : String(price), `${day(time)} ${clock(time)}:00`],
      ]),
    ]),
    "postgres/events.csv": joined(",", [
      header,
      ...rowsOf(({ user, item, category = "", clicked, price, time }) => [
        ...[user, item, category, clicked ? "t" : "f"],
        ...[String(price ?? ""), `${day(time)} ${clock(time)}:00+00`],
      ]),
    ]),
    "mysql/events.tsv": joined("\t", [
      header,
      ...rowsOf(({ user, item, category = "NULL", clicked, price, time }) => [
        ...[user, item, category, clicked ? "1" : "0"],
        ...[price === undefined ? "NULL" : String(price), `${day(time)} ${clock(time)}:00`],
      ]),
    ]),
    "excel-german/Klicks.csv": Buffer.from(
      joined(
        ";",
        [
          ["Kunde", "Artikel", "geklickt", "Preis", "Datum"],
          ...rowsOf(({ user, item, clicked, price, time }) => [
            ...[user, `Stück ${item}`, clicked ? "1" : "0", price === undefined ? "" : german(price)],
            `${day(time).split("-").toReversed().join(".")} ${clock(time)}`,
          ]),
        ],
        "\r\n",
      ),
      "latin1",
    ),
    "excel-utf16/clicks.txt": Buffer.from(`\uFEFF${joined("\t", [header, ...plain], "\r\n")}`, "utf16le"),
    "pandas/frame.csv": joined(",", [
      ["", ...header],
      ...rowsOf(({ user, item, category = "NaN", clicked, price, time }, i) => [
        ...[String(i), user, item, category, clicked ? "True" : "False"],
        ...[price === undefined ? "NaN" : String(price), `${day(time)} ${clock(time)}:00`],
      ]),
    ]),
    "ga4/events.jsonl": lines(
      events.map(({ user, item, category = null, clicked, price = null, time }) =>
        JSON.stringify({
          ...{ event_timestamp: time * 1000, event_name: clicked ? "select_item" : "view_item" },
          ...{ user_pseudo_id: user, device: { category: "mobile", operating_system: { name: "iOS" } } },
          ...{ ecommerce: { item_id: item, item_category: category, value: price }, privacy_info: null },
          event_params: [{ key: "page", value: { string_value: "home" } }],
        }),
      ),
    ),
    "survey/answers.csv": joined(",", [
      ["user_id", "item_id", "liked", "age"],
      ...rowsOf(({ user, item, clicked, rating }) => [
        user,
        item,
        clicked ? "Yes" : "No",
        rating === 1 ? "N/A" : `${20 + rating}`,
      ]),
    ]),
    "spark/_SUCCESS": "",
    "spark/part-00002-empty.csv": "",
    "bigquery/events.parquet": new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "user_id", data: events.map(({ user }) => user) },
          { name: "item_id", data: events.map(({ item }) => item) },
          { name: "clicked", data: events.map(({ clicked }) => clicked) },
          { name: "price", data: events.map(({ price }) => price ?? null), type: "DOUBLE" },
          { name: "timestamp", data: events.map(({ time }) => new Date(time)) },
        ] as never,
      }),
    ),
    // two monthly files with headers that were concatenated, and two daily files, the second with an additional column
    "cat/months.csv": joined(",", [header, ...plain.slice(0, 200), header, ...plain.slice(200)]),
    "daily/2026-01-01.csv": joined(",", [header, ...plain.slice(0, 200)]),
    "daily/2026-01-02.csv": joined(",", [
      ["timestamp", "campaign", ...header.slice(0, 5)],
      ...plain.slice(200).map((row) => [row[5]!, "spring", ...row.slice(0, 5)]),
    ]),
  };
  for (const each of days) {
    const rows = plain.filter((row) => row[5]!.startsWith(each));
    files[`spark/dt=${each}/part-00000.csv`] = joined(",", [
      header.slice(0, 5),
      ...rows.map((row) => row.slice(0, 5)),
    ]);
    files[`hive/dt=${each}/000000_0`] = joined(
      "\u0001",
      rows.map((row) => row.slice(0, 5).map((cell) => (cell === "" ? "\\N" : cell))),
    );
  }
  return files;
}
