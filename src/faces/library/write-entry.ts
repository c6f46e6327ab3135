// Writes what the package has of all commands: its entry next to the compiled files, and the schema of pipeline files. A
// step of the build.

import { mkdirSync, writeFileSync } from "node:fs";
import { pipelineFileSchema } from "../../weekly/pipeline/file.js";
import { entryOf } from "./declare.js";

const { code, declarations } = await entryOf();
writeFileSync(new URL("../../library.js", import.meta.url), code);
writeFileSync(new URL("../../library.d.ts", import.meta.url), declarations);
// an archive is built in a folder without docs/
const docs = new URL("../../../docs/", import.meta.url);
mkdirSync(docs, { recursive: true });
writeFileSync(new URL("pipeline.schema.json", docs), await pipelineFileSchema());
