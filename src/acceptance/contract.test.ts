// The contract of one trainer of each kind of model; contract.long.test.ts has the others.

import { describeContract, quickContracts } from "../testing/contract.js";
import { trainers } from "../testing/trainers.js";

const quick = trainers.filter(({ name }) => quickContracts.includes(name));

test("each of the quick contracts is that of a trainer", () => {
  expect(quick.map(({ name }) => name)).toEqual(quickContracts);
});

describeContract(quick);
