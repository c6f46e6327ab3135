// Every part of every JSON text that embed reads, replaced by values of other types (the bench fuzz-runs --json):
// commands read the file or refuse it as damaged, and `gc --remove` removes any version.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";

test("no value of another type in a JSON file ends a command with 70, and gc --remove removes the version", () => {
  const bench = join(projectFolder, "dist", "bench", "main.js");
  const { stdout, stderr } = spawnSync(process.execPath, [bench, "fuzz-runs", "--json"], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  expect(stderr).toBe("");
  // the bench prints failures before its last line
  expect(stdout.slice(stdout.indexOf("}") + 1).trim()).toBe("0 failures");
  // most mutations are refused as damage of the file
  const [cases, refused] = [/^(\d+) cases/, /'82': (\d+)/].map((count) => Number(count.exec(stdout)?.[1]));
  expect(cases).toBeGreaterThan(10_000);
  expect(refused).toBeGreaterThan(cases! / 3);
}, 3_600_000);
