// Tests warnings about integer columns that look like ids.

import { datasetOf } from "../../../testing/dataset-of.js";
import { idColumnWarnings } from "./ctr.js";

const rows = Uint32Array.from({ length: 200 }, (_, i) => i);
const wholes = Array.from(rows, (i) => (i * 7) % 100);
const columns = {
  device: Array.from(rows, (i) => `d${i % 3}`),
  campaign_id: wholes,
  storeId: wholes,
  paid: wholes,
  slot_id: wholes.map((x) => x % 20),
  ratio_id: wholes.map((x) => x + 0.5),
};
const numeric = Object.keys(columns).slice(1);
const warningsOf = (named: string[], of: Uint32Array = rows) =>
  idColumnWarnings(datasetOf(columns, { numeric }), of, named);

test("ids by their name with many whole numbers are named, with full lists of both kinds of columns", () => {
  const warnings = warningsOf([]);
  expect(warnings.map((text) => /^column '(\w+)'/.exec(text)![1])).toEqual(["campaign_id", "storeId"]);
  expect(warnings[0]).toContain("--fields 'device,campaign_id,storeId' --numeric 'paid,slot_id,ratio_id'");
  expect(warnings[0]).toContain("--ctr campaign_id");
});

test("a column that --numeric names is meant, with a form or without", () => {
  expect(warningsOf(["campaign_id", "storeId:log1p"])).toEqual([]);
});

test("the training rows decide, and missing numbers are no fractions", () => {
  expect(warningsOf([], rows.subarray(0, 40))).toEqual([]);
  const gaps = { campaign_id: wholes.map((x, i) => (i % 5 === 0 ? NaN : x)) };
  expect(idColumnWarnings(datasetOf(gaps, { numeric: ["campaign_id"] }), rows, [])).toHaveLength(1);
});
