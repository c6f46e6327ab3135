#!/usr/bin/env node
import { existsSync } from "node:fs";

try {
  // a clone has no dist/ until it is built; the package ships it
  if (existsSync(new URL("../dist/cli/main.js", import.meta.url))) {
    const { main } = await import("../dist/cli/main.js");
    await main(process.argv);
  } else {
    process.stderr.write("embed: this clone is not built yet, dist/ is missing: run `npm run build` first\n");
    process.exitCode = 70;
  }
} catch (error) {
  // too few to read the program itself
  if (error?.code !== "EMFILE") throw error;
  process.stderr.write(
    "embed: too many files are open (EMFILE): raise the limit, for example `ulimit -n 4096`\n",
  );
  process.exitCode = 74;
}
