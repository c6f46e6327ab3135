// --key-case from the shell: a log in which the same keys are written in different cases gives the results of the log
// whose keys were lowered beforehand, in every command.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const run = async (args: string[]) => await embedOk(args, { cwd: folder });

/** Writes plays of users in three groups, who like tracks of their group; the case of each cell is drawn. */
{
  const random = mulberry32(3);
  const mixed = (key: string) => (random() < 0.5 ? key : key.toUpperCase());
  const [messy, clean] = [["user,track,mood,plays"], ["user,track,mood,plays"]];
  for (let i = 0; i < 1500; i++) {
    const user = integerBelow(60, random);
    const track = (user % 3) * 20 + integerBelow(20, random);
    const cells = [`é${user}`, `track${track}`, track % 2 ? "calm|abc" : "loud"];
    clean.push([...cells, i % 7].join(","));
    messy.push([...cells.map(mixed), i % 7].join(","));
  }
  writeFileSync(at("messy.csv"), `${messy.join("\n")}\n`);
  writeFileSync(at("clean.csv"), `${clean.join("\n")}\n`);
  const side = (name: (key: string) => string) =>
    `track,genre,Title\n${Array.from({ length: 60 }, (_, t) => [name(`track${t}`), name(t < 20 ? "rock" : "jazz"), `Song ${t}`].join(",")).join("\n")}\n`;
  writeFileSync(at("side-messy.csv"), side(mixed));
  writeFileSync(
    at("side-clean.csv"),
    side((key) => key),
  );
}
const folded = ["--key-case", "lower"];
const roles = argv`--user user --item track --multi mood:| --ignore plays`;
const train = argv`${roles} --negatives 2 --dim 4 --epochs 1 --force`;
const tableOf = (name: string) => readFileSync(at(`${name}/embeddings.arrow`));

test("a training has the table of the log with lowered keys, with side tables, from a dataset, and is reproduced", async () => {
  await run(argv`train-fm clean.csv --side side-clean.csv:track ${train} -o clean`);
  await run(argv`train-fm messy.csv --side side-messy.csv:track ${folded} ${train} -o messy`);
  expect(tableOf("messy").equals(tableOf("clean"))).toBe(true);
  const { cells } = readJson<{ cells: object }>(at("messy/model/preprocess.json"));
  expect(cells).toMatchObject({ keyCase: "lower" });
  await run(argv`encode messy.csv --side side-messy.csv:track ${folded} ${roles} -o dataset`);
  await run(argv`train-fm dataset --negatives 2 --dim 4 --epochs 1 -o encoded`);
  expect(tableOf("encoded").equals(tableOf("clean"))).toBe(true);
  expect((await run(["reproduce", "messy"])).stdout).toContain("all files identical");
  const other = await embed(argv`train-fm dataset --key-case upper --negatives 2 -o none`, { cwd: folder });
  expect([other.code, other.stderr]).toEqual([
    64,
    expect.stringContaining(
      "the keys of dataset 'dataset' are in lower case, but in upper case ones are needed",
    ),
  ]);
});

test("later commands find keys in any case, and refuse the other case", async () => {
  const outputOf = async (name: string, args: string[]) =>
    (await run(args.map((arg) => (arg === "RUN" ? name : arg)))).stdout;
  writeFileSync(at("users-messy.csv"), "user\nÉ1\né2\n");
  writeFileSync(at("users-clean.csv"), "user\né1\né2\n");
  const pairs: [messy: string[], clean: string[]][] = [
    [argv`neighbors RUN --key item:TRACK5`, argv`neighbors RUN --key item:track5`],
    [argv`predict RUN messy.csv`, argv`predict RUN clean.csv`],
    [
      argv`recall RUN --for user --users users-messy.csv --k 3`,
      argv`recall RUN --for user --users users-clean.csv --k 3`,
    ],
    [argv`neighbors RUN --keys side-messy.csv:item`, argv`neighbors RUN --keys side-clean.csv:item`],
  ];
  await run(argv`train-fm messy.csv ${folded} ${train} -o plain`);
  for (const [messy, clean] of pairs)
    expect(await outputOf("plain", messy)).toBe(await outputOf("plain", clean));
  const named = await run(argv`neighbors plain --key item:Track5 --names side-messy.csv:item:Title`);
  expect(named.stdout).toContain("track:track5  Song 5");
  const other = await embed(argv`predict plain messy.csv --key-case upper`, { cwd: folder });
  expect([other.code, other.stderr]).toEqual([64, expect.stringContaining("whose keys are in lower case")]);
  expect((await run(argv`forget plain user:É7`)).stdout).toContain("forgotten");
  expect((await embed(argv`forget plain user:é7`, { cwd: folder })).code).toBe(64);
});

test("filters compare the cells of the log, and the option applies to JSON lines, too", async () => {
  const rowsOf = async (args: string[]) =>
    parseJson<{ rows: number }>((await run([...args, "--json", "--force"])).stdout).rows;
  const count = (test: (line: string) => boolean) =>
    readFileSync(at("messy.csv"), "utf8").split("\n").filter(test).length;
  expect(await rowsOf(argv`encode messy.csv ${folded} --drop user^=É -o kept`)).toBe(
    count((line) => line.startsWith("é")),
  );
  const records = readFileSync(at("messy.csv"), "utf8").trimEnd().split("\n").slice(1);
  const jsonl = records.map((line) => {
    const [user, track, mood] = line.split(",");
    return JSON.stringify({ user, track, mood });
  });
  writeFileSync(at("messy.jsonl"), `${jsonl.join("\n")}\n`);
  await run(
    argv`train-fm messy.jsonl ${folded} --user user --item track --multi mood:| --negatives 2 --dim 4 --epochs 1 -o json`,
  );
  await run(argv`train-fm clean.csv ${train} -o clean-plain`);
  expect(tableOf("json").equals(tableOf("clean-plain"))).toBe(true);
});

test("a separator with letters is refused, since it would no longer separate", async () => {
  const { code, stderr } = await embed(argv`encode messy.csv --multi mood:B --key-case lower -o none`, {
    cwd: folder,
  });
  expect([code, stderr]).toEqual([64, expect.stringContaining("would change the separator 'B' of 'mood'")]);
});
