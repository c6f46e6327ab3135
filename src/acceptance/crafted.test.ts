// Files as a stranger might craft them, their checksums right (the bench fuzz-runs): every command that reads one ends with one
// of our errors or well, within a minute and a gigabyte; a run that one wrote can be exported and has no NaN.
// EMBED_TEST_CRAFTED=1000 tries so many others than the 500 that are tried without it.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";

const more = process.env["EMBED_TEST_CRAFTED"];
const cases = more === undefined ? ["--cases", "500"] : ["--cases", more, "--from", "500"];

test("crafted runs, datasets, checkpoints and foreign files end no command with 70, no process, and none hangs", () => {
  const bench = join(projectFolder, "dist", "bench", "main.js");
  const { stdout, stderr } = spawnSync(process.execPath, [bench, "fuzz-runs", ...cases], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  // what failed stands before the last line
  expect(stdout.slice(stdout.indexOf("}") + 1).trim()).toBe("0 failures");
  // most files were read as far as the change, and many were refused for it
  expect(Number(/'82': (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(50);
  expect(Number(/'65': (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(20);
}, 3_600_000);
