// Invalid values and flags are reported with exit code, position, and advice.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const written = (name: string, content: string | Buffer): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const train = ["-o", at("run"), "--epochs", "1"];
const last = (stderr: string): string => stderr.trim().split("\n").at(-1)!;

test("bytes that are not the encoding's are told with their line", async () => {
  const rows = Array.from({ length: 70_000 }, (_, i) => `${i % 2},u${i % 50},i${i % 70}`);
  const text = `click,user_id,item_id\n${rows.join("\n")}\n`;
  // row 66,000, beyond the first megabyte, contains half of a surrogate pair
  const lone = Buffer.from(text.replace(rows[65_999]!, `1,u\ud83d,i`), "utf16le");
  const wide = await embed(["train-fm", written("wide.csv", lone), ...train, "--encoding", "utf-16le"]);
  const line = 2 + rows.indexOf(rows[65_999]!);
  expect([wide.code, last(wide.stderr)]).toEqual([65, expect.stringContaining(`wide.csv:${line}: `)]);

  const bytes = Buffer.from("click,user_id\n1,a\n0,b\n1,x\n", "latin1");
  // puts the first byte of a two-byte character of Shift JIS before a byte that cannot be the second
  bytes[bytes.length - 2] = 0x81;
  const shift = ["--encoding", "shift_jis"];
  const japanese = await embed(["train-fm", written("japanese.csv", bytes), ...train, ...shift]);
  expect([japanese.code, last(japanese.stderr)]).toEqual([65, expect.stringMatching(/japanese\.csv:4: /)]);
});

test("a label beyond a 32-bit float is a bad row, not a divergence", async () => {
  const log = written("large.csv", "y,user_id\n1.5,a\n1e39,b\n2.5,c\n");
  const { code, stderr } = await embed(["train-fm", log, ...train, "--label", "y"]);
  expect([code, last(stderr)]).toEqual([
    65,
    expect.stringMatching(/large\.csv:3: column 'y': .*32-bit.*1e\+39/),
  ]);
});

test("a label that is not of the task is told with its line", async () => {
  const log = written("labels.csv", 'click,user_id\n1,"a\nb"\n0,b\n3,c\n1,d\n');
  const { code, stderr } = await embed(["train-fm", log, ...train, "--task", "binary"]);
  expect([code, last(stderr)]).toEqual([65, expect.stringMatching(/labels\.csv:5: column 'click': .*got 3/)]);
});

test("options without effect, and a run in place of a store, are refused", async () => {
  const run = at("small");
  await embedOk(["train-fm", written("small.csv", "click,user_id\n1,a\n0,b\n"), "--epochs", "1", "-o", run]);
  for (const [args, message] of [
    [["recall", run, "--force"], "--force needs --out PATH or --url-env VARIABLE or --bad-rows FILE"],
    [["evaluate", run, "--on", at("small.csv"), "--bins", "5"], "--bins needs --curve FILE"],
    [["ls", run], `'${run}' is a run, not a store`],
  ] as const) {
    const { code, stderr } = await embed(args);
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)]);
  }
});

test("--noise without --negatives is an error 64", async () => {
  const { code, stderr } = await embed(argv`train-fm ${fixture("clicks.csv")} ${train} --noise popularity`);
  expect([code, stderr]).toEqual([64, expect.stringContaining("--noise needs --negatives N")]);
});

test.each([
  ["train-fm no-such.csv -o no-run", 66, "no-such.csv"],
  ["train-fm log.csv -o no-run --no-such-option", 64, "--no-such-option"],
  ["train-fm -o x --label nothing no-such.csv --dim none", 64, "--dim"],
])("`%s --log-format json` puts its error as one JSON object per line", async (line, code, named) => {
  const got = await shell(`embed ${line} --log-format json`);
  expect(got.code).toBe(code);
  const events = jsonLines<{ stage: string; text: string }>(got.stderr);
  expect(events.map(({ stage }) => stage)).toContain("error");
  expect(events.some(({ text }) => text.includes(named))).toBe(true);
});

test("--split user spreads the rows that have no user", async () => {
  const rows = Array.from({ length: 600 }, (_, i) => `${i % 2},${i % 3 === 0 ? `u${i % 20}` : ""},i${i}`);
  const log = written("nobody.csv", `click,user_id,item_id\n${rows.join("\n")}\n`);
  await embedOk(["train-fm", log, "-o", at("users"), "--epochs", "1", "--split", "user", "--valid", "0.5"]);
  const { split } = readJson<{ split: { train: number; valid: number } }>(join(at("users"), "manifest.json"));
  // if the 400 rows without a user counted as one user, all of them would be in the same split
  expect(Math.max(split.train, split.valid)).toBeLessThan(390);
});

test("a current directory that was removed is 74, with advice", async () => {
  const gone = at("gone");
  const got = await shell(
    `mkdir ${gone} && cd ${gone} && rmdir ${gone} && embed inspect ${fixture("clicks.csv")}`,
  );
  expect([got.code, got.stderr]).toEqual([74, expect.stringMatching(/directory was removed .*: change to/)]);
});

test("evaluate warns when a side table has changed", async () => {
  const ratings = fixture("ratings.csv");
  const side = written("items.csv", readFileSync(fixture("items.csv"), "utf8"));
  await embedOk(["train-fm", ratings, "-o", at("side"), "--epochs", "1", "--side", `${side}:item_id`]);
  const warningsOf = async () => {
    const { stdout } = await embedOk(["evaluate", at("side"), "--on", ratings, "--json"]);
    const { warnings } = parseJson<{ warnings: string[] }>(stdout);
    // omits the warning that the run was trained on this log
    return warnings.filter((text) => !text.includes("was trained on"));
  };
  expect(await warningsOf()).toEqual([]);
  writeFileSync(side, readFileSync(side, "utf8").trimEnd());
  expect(await warningsOf()).toEqual([expect.stringContaining("has changed since the run was trained")]);
});

test("threads of a reading and of a training do not inherit the flags of the process", async () => {
  const code = `const { inspect, trainFm } = await import(process.env.EMBED_API);
    await inspect(process.env.EMBED_LOG);
    await trainFm(process.env.EMBED_SHORT, { out: process.env.EMBED_OUT, epochs: 1, threads: 2 });`;
  const api = new URL("../library.js", import.meta.url).href;
  // writes a log that is so large that several threads read it
  const line = "1,user-000000001,item-000000001,0123456789012345678901234567890123456789\n";
  writeFileSync(at("long.csv"), `click,user_id,item_id,x\n${line.repeat(3_900_000)}`);
  const short = { EMBED_SHORT: fixture("clicks.csv"), EMBED_OUT: at("typed") };
  const env = { EMBED_API: api, EMBED_LOG: at("long.csv"), ...short };
  const got = await shell(`"$EMBED_NODE" --input-type=module -e '${code}'`, { env });
  expect([got.code, got.stderr]).toEqual([0, ""]);
});
