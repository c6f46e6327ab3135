// Writes the package's entry next to the compiled files: node dist/faces/library/write-entry.js, the last step of the build.

import { writeFileSync } from "node:fs";
import { entryOf } from "./declare.js";

const { code, declarations } = await entryOf();
writeFileSync(new URL("../../library.js", import.meta.url), code);
writeFileSync(new URL("../../library.d.ts", import.meta.url), declarations);
