import { UsageError } from "../../base/errors.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { neverHolds, rowsThatHold } from "./where-rows.js";
import { parseWhere } from "./where.js";

const dataset = datasetOf(
  {
    event: ["click", "booking", "", "click"],
    stars: [3, 4.5, NaN, 5],
    time: [1, 2, 3, 4],
    tags: ["a|b", "b", "", "a"],
  },
  { time: "time", multi: { tags: "|" } },
);
const rows = Uint32Array.of(3, 1, 2, 0);
const held = (source: string) => [...rowsThatHold(dataset, rows, parseWhere(source, "--goal"))];

test.each([
  ['event = "booking"', [0, 1, 0, 0]],
  ['event != "booking"', [1, 0, 1, 1]],
  ["event is missing", [0, 0, 1, 0]],
  ["stars >= 4.5", [1, 1, 0, 0]],
  ["stars is missing or stars in (3)", [0, 0, 1, 1]],
  ['event = "click" and not stars = 5', [0, 0, 0, 1]],
])("%s holds for the rows asked about, in their order", (source, expected) => {
  expect(held(source)).toEqual(expected);
});

test.each([
  ['evnt = "booking"', "did you mean 'event'"],
  ["time > 3", "it is the time"],
  ['tags = "a"', "'tags' cannot be used here: it is multi-valued"],
])("%s is refused by the flag that has it", (source, words) => {
  expect(() => held(source)).toThrow(UsageError);
  expect(() => held(source)).toThrow(words);
  expect(() => held(source)).toThrow("--goal");
});

test("of hashed ids nothing can be asked", () => {
  const hashKeys = { function: "hmac-sha256", encoding: "hex", secretId: "1", columns: ["event"] } as const;
  const hashed = { ...dataset, hashKeys: { ...hashKeys, columns: ["event"] } };
  expect(() => rowsThatHold(hashed, rows, parseWhere('event = "booking"', "--goal"))).toThrow("hashed");
});

test("an expression that never holds says what it could ask for", () => {
  const { message } = neverHolds(dataset, 4, parseWhere('event = "buy" or stars > 9', "--goal"), "events");
  expect(message).toBe(
    "--goal 'event = \"buy\" or stars > 9' matches none of 4 events: 'event' has 'click', 'booking'; 'stars' has numbers from 3 to 5",
  );
});
