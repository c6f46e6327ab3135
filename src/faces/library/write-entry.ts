// Writes what the package has of all commands: its entry next to the compiled files, and the schema of pipeline files. A
// step of the build.

import { writeFileSync } from "node:fs";
import { pipelineFileSchema } from "../../weekly/pipeline/file.js";
import { entryOf } from "./declare.js";

const { code, declarations } = await entryOf();
writeFileSync(new URL("../../library.js", import.meta.url), code);
writeFileSync(new URL("../../library.d.ts", import.meta.url), declarations);
writeFileSync(new URL("../../../docs/pipeline.schema.json", import.meta.url), await pipelineFileSchema());
