// Every broken log under fixtures/malformed gives the error in expected.json, and leaves no files behind.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

interface Expected {
  file: string;
  /** additional arguments; the command runs in the folder fixtures/malformed */
  args: string[];
  exit: number;
  /** parts of the message: the position, the value, what to try */
  message: string[];
}

const malformed = fixture("malformed");
const cases = readJson<Expected[]>(join(malformed, "expected.json"));
const folder = temporaryFolder();

test.each(cases)("train-fm $file $args ends with $exit and says where and what", async (expected) => {
  const out = join(folder, "run");
  const got = await embed(["train-fm", expected.file, ...expected.args, "-o", out], { cwd: malformed });
  const missing = expected.message.filter((part) => !got.stderr.includes(part));
  expect({ code: got.code, missing, stderr: got.stderr }).toMatchObject({ code: expected.exit, missing: [] });
  expect(got.stdout).toBe("");
  // the message contains no stack trace
  expect(got.stderr).not.toMatch(/^\s+at /m);
  expect(readdirSync(folder)).toEqual([]);
});

test("--on-bad-row skip leaves ragged rows out, says how many, and trains on the others", async () => {
  const run = join(folder, "skipped");
  const args = argv`train-fm ragged-short.csv --on-bad-row skip --max-bad 25% -o ${run} --json`;
  const got = await embed(args, { cwd: malformed });
  expect({ code: got.code, stderr: got.stderr }).toMatchObject({ code: 0 });
  expect(JSON.parse(got.stdout)).toMatchObject({ rows: 3 });
  expect(got.stderr).toMatch(/skipped 1 bad row \(wrong number of cells\)/);
});

test("every file in the folder is named in expected.json", () => {
  const text = JSON.stringify(cases);
  const unnamed = readdirSync(malformed).filter((file) => !text.includes(file) && file !== "expected.json");
  expect(unnamed).toEqual([]);
});

test("advice to skip bad rows names their share, works when typed, and is not given above 5 %", async () => {
  const write = (bad: number, cells: readonly string[]) => {
    const rows = Array.from({ length: 1000 }, (_, i) =>
      i % Math.round(1000 / bad) === 7 ? cells : [`u${i % 40}`, `i${i % 60}`, String(i % 2)],
    );
    writeFileSync(
      join(folder, "bad.csv"),
      `user,item,click\n${rows.map((row) => row.join(",")).join("\n")}\n`,
    );
  };
  const train = async (flags: string[] = []) =>
    await embed(argv`train-fm bad.csv --label click ${flags} --epochs 1 -o bad --force`, { cwd: folder });
  for (const cells of [
    ["u", "i", "x"],
    ["u", "i"],
  ]) {
    write(20, cells);
    const { code, stderr } = await train();
    const advised = /(--on-bad-row skip --max-bad \d+%) skips such rows, 2\.0 % of the first 1,000 rows/.exec(
      stderr,
    );
    expect([code, advised?.[1]]).toEqual([65, "--on-bad-row skip --max-bad 2%"]);
    expect((await train(advised![1]!.split(" "))).code).toBe(0);
    write(100, cells);
    expect((await train()).stderr).toContain("as in 10.0 % of the first 1,000 rows");
  }
  write(100, ["u", "i", ""]);
  const unlabelled = await train();
  expect(unlabelled.stderr).toContain(
    "--where 'click is not missing' keeps the rows with a label, --ignore click",
  );
  expect((await train(["--where", "click is not missing"])).code).toBe(0);
  writeFileSync(join(folder, "nan.jsonl"), '{"user":"u","item":"i","price":NaN}\n');
  expect((await embed(argv`encode nan.jsonl -o none`, { cwd: folder })).stderr).toContain(
    "nan.jsonl:1: NaN is not JSON: write null",
  );
});
