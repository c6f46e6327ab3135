import { datasetOf } from "../../testing/dataset-of.js";
import { runSteps } from "../steps.js";
import { positiveSteps } from "./positives.js";

const rated = (from: number) =>
  datasetOf(
    { user: ["u", "v", "u", "w"], stars: [1, 4, 3, 5] },
    { label: "stars", positives: { label: "stars", from } },
  );

const chosen = (from: number) => {
  const dataset = rated(from);
  const steps = [{ step: "read", before: 4, after: 4 }];
  return runSteps({ dataset, steps, warnings: [] }, positiveSteps(dataset.roles));
};

test("only rows with a label of at least --positive-from stay, without the label", () => {
  const { dataset, steps } = chosen(4);
  expect([dataset.numRows, dataset.roles.label, steps.at(-1)]).toEqual([
    2,
    undefined,
    { step: "positives", by: "--positive-from 4", before: 4, after: 2 },
  ]);
  const [user] = dataset.columns;
  expect(user!.kind === "key" && Array.from(user!.codes)).toEqual([1, 2]);
});

test("no row above --positive-from is an error", () => {
  expect(() => chosen(6)).toThrow("none of 4 rows has a 'stars' of at least 6");
});
