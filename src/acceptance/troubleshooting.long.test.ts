// Messages that docs/troubleshooting.md quotes are those that the program prints, except for the page's placeholders in
// capitals.

import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture, fixturesFolder, projectFolder } from "../testing/places.js";

const page = readFileSync(join(projectFolder, "docs", "troubleshooting.md"), "utf8");
const folder = temporaryFolder();

/** A command line whose message the page quotes, and the page's placeholders for variable parts of the message. */
type Case = [line: string, ...replaced: [printed: string, written: string][]];

const refused: Case[] = [
  ["train-fm events.csv -o out"],
  ["train-fm events.csv --negatives 2 --split time --valid 0.1 -o out"],
  ["train-two-tower events.csv -o out"],
  ["train-two-tower fixtures/edges.csv -o out"],
  [
    "train-graph fixtures/edges.csv -o out",
    ["from 'from' to 'to'", "from 'A' to 'B'"],
    ["--source from --target to", "--source A --target B"],
  ],
  ["train-ranking fixtures/clicks.csv -o out", ["click", "COLUMN"]],
  [
    "train-ranking fixtures/clicks.csv --positive-from 5 -o out",
    ["fixtures/clicks.csv: ", ""],
    ["click", "COLUMN"],
    ["12000", "N"],
    ["5", "X"],
  ],
  [
    "train-fm label-one-class.csv --label click -o out",
    ["label-one-class", "log"],
    ["click", "COLUMN"],
    ["all 3", "all N"],
  ],
  [
    "train-fm label-text.csv --label click -o out",
    ["label-text", "log"],
    ["click", "COLUMN"],
    ["maybe", "TEXT"],
  ],
  ["train-fm good.csv --label clik -o out", ["'clik'", "'NAME'"], ["'click'", "'OTHER'"]],
  ["train-fm good.csv --user user_id --item user_id -o out", ["user_id", "NAME"]],
  ["train-fm absent.csv -o out", ["absent.csv", "PATH"]],
  ["inspect absent-*.csv", ["absent-*.csv", "PATTERN"]],
  ["inspect empty", ["empty", "PATH"]],
  ["inspect log.dat"],
  ["train-fm ragged-short.csv -o out", ["ragged-short", "log"], ["0,u3,camera-01", "TEXT"]],
  [
    "train-fm ragged-short.csv --on-bad-row skip -o out",
    ["ragged-short", "log"],
    ["1 of 4", "N of M"],
    [": 1 wrong", ": K wrong"],
  ],
  ["train-fm quote-unclosed.csv -o out", ["quote-unclosed", "log"]],
  ["train-fm not-utf8.csv -o out", ["not-utf8", "log"]],
  ["train-fm utf16.csv -o out", ["utf16.csv", "log.csv"]],
  ["train-fm header-duplicate.csv -o out", ["header-duplicate", "log"], ["item_id", "NAME"]],
  [
    "train-fm headers-differ-a.csv headers-differ-b.csv -o out",
    ["headers-differ-b", "log-2"],
    ["clicked, user_id, item_id, price, timestamp", "A, B, C"],
    ["click", "NAME"],
  ],
  ["train-fm gzip-truncated.csv.gz -o out", ["gzip-truncated", "log"]],
  [
    "train-fm numeric-text.csv --label click --numeric price -o out",
    ["numeric-text", "log"],
    ["price", "NAME"],
    ["n/a", "TEXT"],
  ],
  [
    "train-fm time-text.csv --label click --time timestamp -o out",
    ["time-text", "log"],
    ["'timestamp'", "'NAME'"],
    ["yesterday", "TEXT"],
  ],
  [
    "train-fm good.csv --label click --side side-duplicate-key.csv:item_id -o out",
    ["side-duplicate-key", "side"],
    ["item_id", "KEY"],
    ["tea-01", "VALUE"],
  ],
  [
    "train-fm good.csv --lable click -o out",
    ["train-fm", "COMMAND"],
    ["--lable", "--NAME"],
    ["'--label'", "'--OTHER'"],
  ],
  ["train-fm good.csv --valid 10 -o out"],
  ["train-fm good.csv -o run", ["'run'", "'PATH'"]],
  ["train-fm good.csv --init run --dim 4 -o out", ["'run'", "'RUN'"]],
  ["export run --format npy"],
  ["evaluate run --part test", ["'run'", "'RUN'"]],
  ["neighbors run --key item:absent", ["absent", "KEY"], ["4", "N"]],
  ["neighbors run --key absent:1", ["absent", "NAME"]],
  ["inspect run", ["'run'", "'RUN'"]],
  ["neighbors damaged --key item:tea-01", ["FOLDER/damaged", "RUN"], ["BYTES", "A bytes, not B"]],
  ["rollback st/items", ["'items'", "'NAME'"], ["'st'", "'STORE'"]],
  ["run wrong.yaml", ["wrong.yaml", "pipeline.yaml"], ["'nme'", "'NAME'"], ["'name'", "'OTHER'"]],
];

const warned: Case[] = [
  ["train-fm null.csv --epochs 1 -o null", ["2 cells of 'item_id'", "N cells of 'COLUMN'"]],
  [
    "train-fm request.csv --epochs 1 -o request",
    ["request_id", "COLUMN"],
    ["400 keys in 400 rows", "N keys in M rows"],
  ],
  ["train-fm constant.csv --epochs 1 -o constant", ["'item_id'", "'COLUMN'"]],
  [
    "train-fm day-1.csv day-2.csv --epochs 1 -o days",
    ["'color'", "'NAME'"],
    ["'tint'", "'OTHER'"],
    ["day-2.csv", "FILE"],
    ["missing in 3 rows", "missing in N rows"],
    ["missing in 2 rows", "missing in M rows"],
  ],
  ["encode null-key.csv --dedupe-by id -o null-key", ["'id'", "'COLUMN'"], ["in 2 rows", "in N rows"]],
];

beforeAll(async () => {
  cpSync(fixture("malformed"), folder, { recursive: true });
  cpSync(fixturesFolder, join(folder, "fixtures"), { recursive: true });
  mkdirSync(join(folder, "empty"));
  const write = (name: string, ...lines: string[]) =>
    writeFileSync(join(folder, name), lines.join("\n") + "\n");
  const rows = Array.from({ length: 400 }, (_, i) => `u${i % 5},i${i % 7},${Number(i % 3 === 0)}`);
  write("events.csv", "user_id,item_id", "u1,i1", "u2,i2");
  write("log.dat", "1::2::5::978300760", "1::3::4::978300761", "2::3::4::978300762");
  write("null.csv", "user_id,item_id,click", "u1,i1,1", "u2,NULL,0", "u1,N/A,1", "u3,i2,0");
  write("constant.csv", "user_id,item_id,click", "u1,i1,1", "u2,i1,0", "u1,i1,1", "u3,i1,0");
  write("request.csv", "user_id,item_id,click,request_id", ...rows.map((row, i) => `${row},r${i}`));
  write("day-1.csv", "user_id,color,click", "u1,red,1", "u2,blue,0");
  write("day-2.csv", "user_id,tint,click", "u1,red,1", "u2,blue,0", "u2,red,1");
  write("null-key.csv", "id,user_id", "null,u1", "null,u2", "1,u1");
  write("wrong.yaml", "nme: x");
  await embedOk(["train-fm", "good.csv", "--ignore", "price", "--epochs", "1", "-o", "run"], { cwd: folder });
  cpSync(join(folder, "run"), join(folder, "damaged"), { recursive: true });
  appendFileSync(join(folder, "damaged", "embeddings.arrow"), "x");
});

/** Returns the last line of standard error, in which the page's placeholders replace the parts that vary. */
async function lastLine(line: string, replaced: Case[1][]): Promise<{ code: number | null; text: string }> {
  const { code, stderr } = await embed(line.split(" "), { cwd: folder });
  const text = replaced.reduce(
    (reported, [printed, written]) => reported.replaceAll(printed, written),
    stderr
      .trimEnd()
      .split("\n")
      .findLast((reported) => /^(embed|warning): /.test(reported))!
      .replace(/^embed: /, "")
      .replaceAll(folder, "FOLDER")
      .replace(/\d+ bytes, not \d+/, "BYTES")
      .replace(/[\d.]+ % of the first [\d,]+ rows/, "P % of the first N rows"),
  );
  return { code, text };
}

test.each(refused)("the refusal of `%s` stands on the page", async (line, ...replaced) => {
  const { code, text } = await lastLine(line, replaced);
  expect(code).not.toBe(0);
  expect({ text, isOnPage: page.includes(text) }).toEqual({ text, isOnPage: true });
});

test.each(warned)("the warning of `%s` stands on the page", async (line, ...replaced) => {
  const { code, text } = await lastLine(line, replaced);
  expect(code).toBe(0);
  expect({ text, isOnPage: page.includes(text) }).toEqual({ text, isOnPage: true });
});
