// Tests that times of Parquet and Arrow are converted to the milliseconds stated by their text, without creating the
// text.

import * as fc from "fast-check";
import type { SchemaElement } from "hyparquet";
import { loadKernel } from "../compute/kernels/shared/load.js";
import { NumberReader } from "./parquet/numbers.js";
import { PageMemory } from "./parquet/memory.js";
import { converted, cellText } from "./parquet/text.js";
import { Runs } from "./parquet/runs.js";
import { fixedValues, textAt } from "./parquet/values.js";
import { ScanMemory } from "./scanner.js";
import { parseTime } from "./time.js";

const region = new PageMemory(new ScanMemory(await loadKernel("scan"))).column();

const timestamp = (unit: "MILLIS" | "MICROS" | "NANOS"): SchemaElement => ({
  name: "t",
  type: "INT64",
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit },
});
const DAYS: SchemaElement = { name: "t", type: "INT32", converted_type: "DATE" };
/** For each time unit: its name, a Parquet schema element, and the number of units per millisecond. */
const elements: [string, SchemaElement, bigint][] = [
  ["milliseconds", timestamp("MILLIS"), 1n],
  ["microseconds", timestamp("MICROS"), 1_000n],
  ["nanoseconds", timestamp("NANOS"), 1_000_000n],
];
const MOST = 8_640_000_000_000_000n;

test.each(elements)("%s are what hyparquet's dates of them state", (_, element, units) => {
  const most = MOST * units < 2n ** 63n ? MOST * units : 2n ** 63n - 1n;
  const around = fc.bigInt(-2000n, 2000n);
  // the values are near 1970, near 2^53, near the first and the last year of four digits, and at random
  const centres = [0n, 2n ** 53n, -(2n ** 53n), 253_402_300_800_000n * units, -62_167_219_200_000n * units];
  const value = fc
    .oneof(
      ...centres.filter((centre) => centre < most && -centre < most).map((at) => around.map((x) => at + x)),
      fc.bigInt(-most, most),
    )
    .filter((x) => x >= -most && x <= most);
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (all) => {
      const stored = BigInt64Array.from(all);
      const texts = Array.from(converted(stored, element), (date) => cellText(date, element, "t"));
      const values = fixedValues(stored, element);
      expect(texts.map((__, i) => textAt(values, i, element, "t"))).toEqual(texts);
      const stated = texts.map(parseTime);
      const numRows = all.length;
      // the values are stored plainly in a page, and as indices into a dictionary
      const indices = region.inflate(Uint8Array.from(all.keys()), numRows, "UNCOMPRESSED");
      const runs = Runs.packed(indices, 0, 8, numRows);
      for (const page of [
        { isCoded: false as const, values, at: 0 },
        { isCoded: true as const, runs, dictionary: values, ordinal: 1, memory: region },
      ]) {
        const out = new Float64Array(numRows);
        const segment = { numRows, numValues: numRows, levels: undefined, values: page };
        const bad = new NumberReader("t", region, true).read(segment, { element, maxDefinition: 1 }, out, 0);
        expect([...out]).toEqual(stated);
        // years of more than four digits are not accepted as times
        expect(bad.map(({ text }) => text)).toEqual(texts.filter((__, at) => Number.isNaN(stated[at])));
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("days are their first milliseconds, and have no time of day as text", () => {
  const days = Int32Array.of(-1, 0, 20_454);
  const values = fixedValues(days, DAYS);
  expect([0, 1, 2].map((i) => textAt(values, i, DAYS, "t"))).toEqual([
    "1969-12-31",
    "1970-01-01",
    "2026-01-01",
  ]);
  expect(values).toMatchObject({ kind: "time", times: Float64Array.from(days, (day) => day * 86_400_000) });
});
