#!/usr/bin/env node
// This file is CommonJS (see package.json beside it), because Node starts it sooner than an ES module.
const { existsSync } = require("node:fs");

// Node would open a port for a debugger
process.on("SIGUSR1", () => {});
void start();

async function start() {
  try {
    // the build bundles the compiled modules into dist/program/ and removes main.js: if it exists, tsc has run since
    // the build
    if (existsSync(`${__dirname}/../dist/cli/main.js`)) {
      const { main } = await import("../dist/cli/main.js");
      await main(process.argv);
    } else if (existsSync(`${__dirname}/../dist/program/main.cjs`)) {
      const { main } = require("../dist/program/main.cjs");
      await main(process.argv);
    } else {
      process.stderr.write(
        "embed: this clone is not built yet, dist/ is missing: run `npm run build` first\n",
      );
      process.exitCode = 70;
    }
  } catch (error) {
    // EMFILE: the system lets this process open too few files to load the program's modules
    if (error?.code !== "EMFILE") throw error;
    process.stderr.write(
      "embed: too many files are open (EMFILE): raise the limit, for example `ulimit -n 4096`\n",
    );
    process.exitCode = 74;
  }
}
