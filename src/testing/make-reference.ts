// `npm run docs` writes docs/reference again, and removes pages of commands that no longer exist.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./places.js";
import { referencePages } from "./reference.js";

const folder = join(projectFolder, "docs", "reference");
const pages = await referencePages();
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!(name in pages)) rmSync(join(folder, name));
for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text);
