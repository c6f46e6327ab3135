// `embed init` writes no file that cannot run: it runs the file on a sample of the log first, in a temporary folder.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const temporary = join(folder, "tmp");
mkdirSync(temporary);
const inFolder = { cwd: folder, env: { TMPDIR: temporary } };
const write = (name: string, header: string, rows: readonly (readonly (string | number)[])[], by = ",") =>
  writeFileSync(
    join(folder, name),
    `${[header.split(","), ...rows].map((row) => row.join(by)).join("\n")}\n`,
  );

/** Plays of users of three groups, who play tracks of their group, in the order of time. */
function plays(numRows: number, liked: (row: number) => string, seed = 2): (string | number)[][] {
  const random = mulberry32(seed);
  return Array.from({ length: numRows }, (_, i) => {
    const user = integerBelow(Math.min(4000, numRows / 10), random);
    return [`u${user}`, `t${(user % 3) * 20 + integerBelow(20, random)}`, liked(i), 1_700_000_000 + 60 * i];
  });
}
const HEADER = "user,track,liked,time";

/** Checks that the file runs to a published version, and that init left nothing behind. */
async function runs(file: string): Promise<string> {
  expect(readdirSync(temporary)).toEqual([]);
  rmSync(join(folder, "store"), { recursive: true, force: true });
  expect((await embedOk(["run", file], inFolder)).stderr).toContain("published");
  return readFileSync(join(folder, file), "utf8");
}

test("a label that is true or absent is left out, whether the roles are inferred or given", async () => {
  write(
    "true.csv",
    HEADER,
    plays(1500, (i) => (i % 30 === 4 ? "true" : "")),
  );
  for (const [file, flags] of [
    ["inferred.yaml", []],
    ["given.yaml", ["--user", "user"]],
  ] as const) {
    const { stderr } = await embedOk(argv`init true.csv ${flags} -o ${file}`, inFolder);
    expect(stderr).toContain("the label 'liked' has the same value in 50 rows and missing in 1,450");
    expect(stderr).toContain("the file is made without the label 'liked'");
    expect(await runs(file)).toMatch(/ignore: \[liked\][^]*command: train-als/);
  }
  const asked = await embed(argv`init true.csv --label liked -o asked.yaml`, inFolder);
  expect([asked.code, existsSync(join(folder, "asked.yaml"))]).toEqual([64, false]);
  expect(asked.stderr).toContain("--ignore liked leaves it out");
});

test("rows that the training cannot use are refused with their place and with flags that work", async () => {
  write(
    "some.csv",
    HEADER,
    plays(30_000, (i) => (i % 3 === 2 ? "" : "1")).map(([user, track, liked, time]) => {
      const isOdd = [user, track].reduce<number>((sum, key) => sum + Number(String(key).slice(1)), 0) % 2;
      return [user!, track!, liked === "" ? "" : isOdd, time!];
    }),
  );
  const refused = await embed(argv`init some.csv -o some.yaml`, inFolder);
  expect([refused.code, existsSync(join(folder, "some.yaml"))]).toEqual([65, false]);
  const [, line, where] = /some\.csv:(\d+): column 'liked': .*--where '([^']+)' keeps /.exec(refused.stderr)!;
  expect(readFileSync(join(folder, "some.csv"), "utf8").split("\n")[Number(line) - 1]).toMatch(
    /^u\d+,t\d+,,/,
  );
  await embedOk(argv`init some.csv --where ${where!} -o some.yaml`, inFolder);
  await runs("some.yaml");
});

test("if no user of the latest tenth has earlier events, the file splits at random", async () => {
  const rows = plays(4500, () => "x").map(([, track, , time], i) => {
    const user = Math.floor(i / 15);
    return [`u${user}`, `t${(user % 3) * 20 + (Number(String(track).slice(1)) % 20)}`, time!];
  });
  write("new-users.csv", "user,track,time", rows);
  const { stderr } = await embedOk(argv`init new-users.csv -o random.yaml`, inFolder);
  expect(stderr).toContain("the file splits at random");
  expect(await runs("random.yaml")).toContain("split: random");
});

test("the sample has the cells of the log: delimiters, decimals, lists of JSON lines, duplicates", async () => {
  const rows = plays(12_000, () => "x").map(([user, track, , time], i) => [
    `e${i - (i % 50 ? 0 : 1)}`,
    user!,
    track!,
    `${i % 9},5`,
    time!,
  ]);
  write("cells.txt", "event_id,user,track,price,time", rows, ";");
  await embedOk(
    argv`init cells.txt --decimal , --numeric price --dedupe-by event_id --key-case upper -o cells.yaml`,
    inFolder,
  );
  await runs("cells.yaml");
  const records = rows.map(([, user, track, , time], i) =>
    JSON.stringify({ user, track, tags: [`a${i % 3}`, 'b "c", d'], time }),
  );
  writeFileSync(join(folder, "lists.jsonl"), `${records.join("\n")}\n`);
  await embedOk(argv`init lists.jsonl -o lists.yaml`, inFolder);
  await runs("lists.yaml");
});
