import { BEFORE_DATA, type DataFacts } from "../../training/session/feature-training.js";
import { alsOptionsOf } from "./options.js";

test("the default dimension is 128 for many events of many users and items, unless one side has too many", () => {
  const large = { rows: 100_000, rowsPerKey: 10, secondMostKeys: 1000 };
  const dim = (labeled?: DataFacts["labeled"]) =>
    alsOptionsOf({}, { ...BEFORE_DATA, ...(labeled && { labeled }) }).dim;
  expect([dim(large), dim({ ...large, rows: 10_000_000 })]).toEqual([128, 128]);
  expect([
    dim(),
    dim({ ...large, rows: 99_999 }),
    dim({ ...large, secondMostKeys: 999 }),
    dim({ ...large, rowsPerKey: 0.05 }),
  ]).toEqual([64, 64, 64, 64]);
});
