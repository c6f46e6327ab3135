// The contract of the trainers that contract.test.ts leaves out.

import { describeContract, quickContracts } from "../testing/contract.js";
import { trainers } from "../testing/trainers.js";

describeContract(trainers.filter(({ name }) => !quickContracts.includes(name)));
