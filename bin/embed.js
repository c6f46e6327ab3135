#!/usr/bin/env node
// This file is CommonJS (see package.json beside it), because Node starts it sooner than an ES module.
const { existsSync } = require("node:fs");

// Node would open a port for a debugger
process.on("SIGUSR1", () => {});
void start();

function isThere(path) {
  return existsSync(`${__dirname}/../${path}`);
}

async function start() {
  try {
    // the build bundles the compiled modules into dist/program/ and removes main.js: if it exists, tsc has run since
    // the build, or is still running without library.js
    if (isThere("dist/faces/cli/main.js") && isThere("dist/library.js")) {
      const { main } = await import("../dist/faces/cli/main.js");
      await main(process.argv);
      return;
    }
    // dist-run is the copy that src/keep-build.mjs makes; Node resolves the link once, so that a later build changes no
    // file of this program
    const folder = ["dist-run", "dist"].find((one) => isThere(`${one}/program/main.cjs`));
    if (folder !== undefined) {
      const { main } = require(`../${folder}/program/main.cjs`);
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
