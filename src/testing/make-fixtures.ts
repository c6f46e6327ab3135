// `npm run fixtures` writes the generated files of fixtures/ again.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixtures } from "./fixtures.js";
import { fixturesFolder } from "./places.js";

for (const [name, text] of Object.entries(fixtures())) writeFileSync(join(fixturesFolder, name), text);
