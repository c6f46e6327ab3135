// The tool's version, as package.json states it.

import { createRequire } from "node:module";

const metadata = createRequire(import.meta.url)("../../package.json") as { version: string };

export const version = metadata.version;
