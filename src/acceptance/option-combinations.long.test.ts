// Random combinations of options. EMBED_TEST_COMBINATIONS=3000 tests more combinations, EMBED_TEST_SEED=2 others.

import { testCombinations } from "../testing/try-combinations.js";

testCombinations(
  Number(process.env["EMBED_TEST_COMBINATIONS"] ?? 120),
  Number(process.env["EMBED_TEST_SEED"] ?? 1),
);
