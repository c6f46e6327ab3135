import { datasetOf } from "../../testing/dataset-of.js";
import { choosePositives } from "./positives.js";

const rated = (from: number) =>
  datasetOf(
    { user: ["u", "v", "u", "w"], stars: [1, 4, 3, 5] },
    { label: "stars", positives: { label: "stars", from } },
  );

test("only rows with a label of at least --positive-from stay, without the label", () => {
  const { dataset, notes } = choosePositives(rated(4));
  expect([dataset.numRows, dataset.roles.label, notes]).toEqual([
    2,
    undefined,
    ["2 rows with a 'stars' below 4 excluded by --positive-from 4"],
  ]);
  const [user] = dataset.columns;
  expect(user!.kind === "key" && Array.from(user!.codes)).toEqual([1, 2]);
});

test("no row above --positive-from is an error", () => {
  expect(() => choosePositives(rated(6))).toThrow("none of 4 rows has a 'stars' of at least 6");
});
