// Files as an attacker might craft them, with correct checksums (the bench fuzz-runs): every command that reads one
// succeeds or fails with one of our errors, within a minute and a gigabyte; a run that it wrote can be exported and has
// no NaN. EMBED_TEST_CRAFTED=1000 tries 1,000 others instead of 200.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";

const more = process.env["EMBED_TEST_CRAFTED"];
const cases = more === undefined ? ["--cases", "200"] : ["--cases", more, "--from", "200"];

test("crafted runs, datasets, checkpoints and foreign files end no command with 70, no process, and none hangs", () => {
  const bench = join(projectFolder, "dist", "bench", "main.js");
  const { stdout, stderr } = spawnSync(process.execPath, [bench, "fuzz-runs", ...cases], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  // the bench prints failures before its last line
  expect(stdout.slice(stdout.indexOf("}") + 1).trim()).toBe("0 failures");
  // the crafted changes reach the code that reads the files: many commands reject a file as damaged (exit code 82) or
  // as bad data (65)
  expect(Number(/'82': (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(20);
  expect(Number(/'65': (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(8);
}, 3_600_000);
