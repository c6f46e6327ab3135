// Foreign models that claim larger sizes than they have are refused before memory of that size is allocated.

import { readFileSync } from "node:fs";
import { EmbedError } from "../../base/errors.js";
import { jsonMutations } from "../../testing/json-mutations.js";
import { fixture } from "../../testing/places.js";
import { readForeignModel } from "./foreign-models/foreign.js";

const xgboost = readFileSync(fixture("foreign/logistic.json"), "utf8");
const lightgbm = readFileSync(fixture("foreign/binary.txt"), "utf8");

test.each([
  ["num_feature", /"num_feature":"\d+"/g, '"num_feature":"4294967295"', "num_feature is"],
  ["num_class", /"num_class":"\d+"/, '"num_class":"2000000000"', "num_class is"],
  ["num_target", /"num_target":"\d+"/, '"num_target":"-5"', "num_target is"],
  ["num_nodes", /"num_nodes":"\d+"/, '"num_nodes":"1e9"', "should hold 1000000000 numbers"],
])("XGBoost's %s", (_, original, crafted, message) => {
  expect(xgboost).toMatch(original);
  expect(() => readForeignModel(xgboost.replace(original, crafted), "model.json")).toThrow(message);
});

test("every part of XGBoost's JSON, replaced by a value of another type, is read or an error of the model", () => {
  let refused = 0;
  for (const { what, json } of jsonMutations(xgboost)) {
    try {
      readForeignModel(json, "model.json");
    } catch (error) {
      refused++;
      expect([what, error]).toEqual([what, expect.any(EmbedError)]);
    }
  }
  expect(refused).toBeGreaterThan(500);
});

test.each([
  ["base_score", /"base_score":"[^"]*"/, '"base_score":""', "base_score '' does not have one number"],
  ["a leaf", /"split_conditions":\[[^,]+/, '"split_conditions":[""', "split_conditions should hold"],
  ["num_class", /"num_class":"\d+"/, '"num_class":""', 'num_class is "", expected an integer'],
])("an empty text is no 0 in XGBoost's %s", (_, original, crafted, message) => {
  expect(xgboost).toMatch(original);
  expect(() => readForeignModel(xgboost.replace(original, crafted), "model.json")).toThrow(message);
});

test.each([
  ["num_leaves", /^num_leaves=\d+$/m, "num_leaves=4000000000", "should hold 3999999999 numbers"],
  [
    "classes",
    /^(num_class|num_tree_per_iteration)=\d+$/gm,
    "$1=100000000",
    "num_tree_per_iteration is not an integer from 1 to",
  ],
  [
    "children in a circle",
    /^left_child=.*$/m,
    (line: string) => line.replace(/=-?\d+/, "=0"),
    "do not form a tree",
  ],
] as const)("LightGBM's %s", (_, original, crafted, message) => {
  expect(lightgbm).toMatch(original);
  expect(() => readForeignModel(lightgbm.replace(original, crafted as string), "model.txt")).toThrow(message);
});
