// What harms a training is said alike by inspect, compare and init, each with the flag to use, and the flags work: plays
// of music with ids in two cases, a label that is true or absent, skips, events delivered twice, and a crawler.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const users = 120;
{
  const random = mulberry32(11);
  const mixed = (key: string) => (random() < 0.3 ? key.toUpperCase() : key);
  const rows: string[][] = [];
  for (let u = 0; u < users; u++)
    for (let k = 0; k < 15; k++)
      rows.push([
        ...[mixed(`u${u}`), mixed(`track${(u % 3) * 20 + integerBelow(20, random)}`)],
        ...[random() < 0.8 ? "play" : "skip", random() < 0.03 ? "true" : ""],
      ]);
  for (let k = 0; k < 600; k++)
    rows.splice(integerBelow(rows.length, random), 0, [
      "crawler",
      `track${integerBelow(60, random)}`,
      "play",
      "",
    ]);
  const lines = rows.map((row, i) => [`e${i}`, ...row, String(1_700_000_000 + 60 * (i % 1500) + i)]);
  // every sixtieth event is delivered again some seconds later, so that its row repeats no other in every cell
  const again = lines
    .filter((_, i) => i % 60 === 0)
    .map((line) => [...line.slice(0, 5), String(Number(line[5]) + 7)]);
  const text = [...lines, ...again].map((line) => line.join(",")).join("\n");
  writeFileSync(join(folder, "plays.csv"), `event_id,user,track,event,liked,time\n${text}\n`);
}
const warningsOf = (stderr: string) =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("warning: "))
    .map((line) => line.slice("warning: ".length));

const FLAGS = [
  ["--key-case", "lower"],
  ["--ignore", "liked"],
  ["--where", 'event not in ("skip")'],
  ["--dedupe-by", "event_id"],
  ["--drop-users-above", "210"],
];
const findingsOf = async (args: readonly string[]) =>
  parseJson<{ findings: string[] }>((await embedOk(["inspect", ...args, "--json"], { cwd: folder })).stdout)
    .findings;

test("inspect, compare and init say the same, each with its flag", async () => {
  const found = await findingsOf(["plays.csv"]);
  expect(found.map((text) => /(--[a-z-]+ ('[^']+'|\S+))/.exec(text)![1])).toEqual([
    ...["--key-case lower", "--key-case lower", "--ignore liked", `--where 'event not in ("skip")'`],
    ...["--dedupe-by event_id", "--drop-users-above 210"],
  ]);
  expect(found[4]).toMatch(/^1\.6 % of rows repeat an earlier 'event_id'/);
  const compared = await embed(argv`compare plays.csv -o page.html`, { cwd: folder });
  expect(compared.code).toBe(65);
  expect(warningsOf(compared.stderr)).toEqual(expect.arrayContaining(found));
  const started = await embedOk(argv`init plays.csv -o made.yaml`, { cwd: folder });
  expect(warningsOf(started.stderr)).toEqual(expect.arrayContaining(found));
});

test("with the flags, nothing is left to say, and init, compare and the pipeline run", async () => {
  const flags = FLAGS.flat();
  await embedOk(argv`encode plays.csv ${flags} -o encoded`, { cwd: folder });
  expect(await findingsOf(["encoded"])).toEqual([]);
  const compared = await embedOk(
    argv`compare plays.csv ${flags} --split last --last 1 --repeats allow --trainers train-als --budget 20s -o page.html`,
    { cwd: folder },
  );
  const finding = /differ from another key|the same value|read as negative|repeat an earlier|far more events/;
  expect(warningsOf(compared.stderr).filter((text) => finding.test(text))).toEqual([]);
  await embedOk(argv`init plays.csv ${flags} -o flagged.yaml`, { cwd: folder });
  const file = readFileSync(join(folder, "flagged.yaml"), "utf8");
  expect(file).toMatch(/key-case: lower/);
  expect((await embedOk(["run", "flagged.yaml"], { cwd: folder })).stderr).toContain("published");
});

test("labels with two values, other ids and mixed-case names are no findings", async () => {
  const random = mulberry32(4);
  const lines = Array.from({ length: 1000 }, (_, i) => [
    `A${i % 90}b`,
    `x${integerBelow(50, random)}`,
    i % 3 ? 0 : 1,
    ["Skip", "Play"][i % 2],
    `o${i - (i % 50 === 0 ? 1 : 0)}`,
  ]);
  writeFileSync(
    join(folder, "clean.csv"),
    `user,item,click,event,order_id\n${lines.map((line) => line.join(",")).join("\n")}\n`,
  );
  expect(await findingsOf(["clean.csv"])).toEqual([]);
});
