// A sample of the random combinations of options; option-combinations.long.test.ts tries more.

import { testCombinations } from "../testing/try-combinations.js";

testCombinations(20, 1000);
