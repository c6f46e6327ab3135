// The README is true: what its tour shows is what the program prints.

import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { shell, temporaryFolder } from "../testing/embed.js";
import { fixturesFolder, projectFolder } from "../testing/places.js";

const folder = temporaryFolder();
const readme = readFileSync(join(projectFolder, "README.md"), "utf8");

/** Each `$ command` of the console blocks, with the lines shown below it. */
const tour = [...readme.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
  block
    .split(/^\$ /m)
    .filter((part) => part !== "")
    .map((part) => {
      const [command, ...shown] = part.trimEnd().split("\n");
      return { command, shown };
    }),
);

beforeAll(() => symlinkSync(fixturesFolder, join(folder, "fixtures")));

// in the README's order: each command uses what those before it made
test.each(tour)("$command prints what the README shows", async ({ command, shown }) => {
  const got = await shell(command.replaceAll("npx embed", "embed"), { cwd: folder });
  expect({ code: got.code, stderr: got.stderr }).toMatchObject({ code: 0 });
  const printed = `${got.stdout}\n${got.stderr}`.split("\n").map((line) => line.trimEnd());
  const advice = `write into README.md what the program prints now:\n${got.stdout}`;
  expect({ absent: shown.filter((line) => !printed.includes(line.trimEnd())), advice }).toMatchObject({
    absent: [],
  });
});

test("the other commands of the README run as they stand", async () => {
  const others = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap(([, block]) => block.split("\n"))
    .filter((line) => line.startsWith("npx embed"));
  expect(others.length).toBeGreaterThanOrEqual(2);
  for (const line of others) {
    const got = await shell(line.replaceAll("npx embed", "embed"), { cwd: folder });
    expect({ line, code: got.code, stderr: got.stderr }).toMatchObject({ code: 0 });
  }
});
