// `--hash-keys`: ids are planted in a log, and every output is searched for them.

import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

// planted ids contain quotes and commas, which the quoting of cells and the redaction of messages may mishandle
const users = Array.from({ length: 12 }, (_, i) => `planted-u${i}`);
const items = ["planted-i'0", 'planted-"i"1', "planted-i2", "planted, i3"];
const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
const row = (i: number, label: string | number = i % 2) =>
  [
    label,
    quoted(users[i % 12]!),
    quoted(items[i % 4]!),
    `planted-s${i % 30}`,
    i % 3 ? "phone" : "web",
    1.7e9 + i,
  ].join(",");
const header = "label,user_id,item_id,session_id,device,timestamp";
const rows = Array.from({ length: 300 }, (_, i) => row(i * 7 + (i >> 3), (i * 5) % 3 === 0 ? 1 : 0));
const log = write("log.csv", [header, ...rows].join("\n"));
const heldOut = write(
  "held-out.csv",
  [header, ...rows.slice(0, 40), row(0).replace("planted-u0", "planted-new")].join("\n"),
);
const secret = "0123456789abcdef0123456789abcdef";
const keyFile = write("secret", `${secret}\n`);
const hashing = ["--hash-keys", keyFile];
const hmac = (id: string) => createHmac("sha256", secret).update(id).digest("hex");

/** Returns the files under a path that contain one of the planted ids. */
function leaking(path: string): string[] {
  const files = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }).map(String) : [""];
  return files.filter((name) => {
    const file = join(path, name);
    return statSync(file).isFile() && /planted|0123456789abcdef/.test(readFileSync(file, "latin1"));
  });
}

test.each([
  ["labelled", ["--test", heldOut, "--label", "label"]],
  ["negatives", ["--negatives", "2", "--ignore", "label", "--valid", "0.1", "--split", "random"]],
  ["hashed", ["--hash", "user_id:4", "--log-format", "json"]],
])("ids stand in no file of a run, no export, and nothing printed: %s", async (name, options) => {
  const run = at(name);
  const outputs = [
    await embedOk(["train-fm", log, "-o", run, "--epochs", "1", ...hashing, ...options, "--json"]),
  ];
  expect(leaking(run)).toEqual([]);
  for (const format of ["csv", "jsonl", "word2vec"])
    outputs.push(await embedOk(["export", run, "--format", format]));
  await embedOk(["export", run, "--format", "npy", "-o", at(`${name}-npy`)]);
  expect(leaking(at(`${name}-npy`))).toEqual([]);
  outputs.push(await embedOk(["neighbors", run, "--key", `item:${hmac("planted-i2")}`]));
  outputs.push(await embedOk(["evaluate", run, "--on", heldOut, ...hashing, "--json"]));
  expect(outputs.filter(({ stdout, stderr }) => /planted|0123456789abcdef/.test(stdout + stderr))).toEqual(
    [],
  );
});

test("a key is the HMAC-SHA256 of the id, and columns without ids stay as they are", async () => {
  await embedOk(["train-fm", log, "-o", at("keys"), "--epochs", "1", ...hashing]);
  const table = parseJsonLines((await embedOk(["export", at("keys"), "--format", "jsonl"])).stdout);
  const keysOf = (field: string) => table.filter((line) => line.field === field).map(({ key }) => key);
  expect(keysOf("user_id").sort()).toEqual(users.map(hmac).sort());
  expect(keysOf("item_id").sort()).toEqual(items.map(hmac).sort());
  expect(keysOf("device").sort()).toEqual(["phone", "web"]);
  const { hashKeys } = readJson<{ hashKeys: object }>(join(at("keys"), "model/preprocess.json"));
  expect(hashKeys).toMatchObject({ function: "hmac-sha256", columns: ["user_id", "item_id", "session_id"] });
});

test("--candidates of evaluate are hashed as the log is", async () => {
  const pairs = readFileSync(fixture("purchases.csv"), "utf8").trimEnd().split("\n").slice(1, 3000);
  const candidates = ["customer_id,product_id", ...pairs.map((line) => line.split(",", 2).join(","))];
  const file = write("candidates.csv", candidates.join("\n"));
  const columns = ["--user", "customer_id", "--item", "product_id", "--time", "purchased_at"];
  const countsOf = async (name: string, flags: string[]) => {
    const training = argv`train-ranking ${fixture("purchases.csv")} ${columns} --test 0.1 --epochs 1`;
    await embedOk([...training, "-o", at(name), ...flags]);
    const judging = ["evaluate", at(name), "--part", "test", "--candidates", file, "--repeats", "allow"];
    const { stdout } = await embedOk([...judging, "--bootstrap", "0", "--json", ...flags]);
    return parseJson<{ users: { candidates: object } }>(stdout).users.candidates;
  };
  const counts = await countsOf("plain", []);
  expect(counts).toMatchObject({ masked: 0 });
  expect(await countsOf("hmac", hashing)).toEqual(counts);
});

test("--hash-keys-of names the columns instead", async () => {
  const options = ["--epochs", "1", ...hashing, "--hash-keys-of", "device"];
  await embedOk(["train-fm", log, "-o", at("device"), ...options]);
  const table = parseJsonLines((await embedOk(["export", at("device"), "--format", "jsonl"])).stdout);
  const keysOf = (field: string) => table.filter((line) => line.field === field).map(({ key }) => key);
  expect(keysOf("device").sort()).toEqual([hmac("phone"), hmac("web")].sort());
  expect(keysOf("user_id").sort()).toEqual([...users].sort());
});

const side = write("side.csv", "item_id,genre\nplanted-i2,a\nplanted-i2,b\n");
test.each([
  ["a label that is none", row(1, "planted-label"), [], "expected a finite number as label"],
  ["a row of too many cells", `${row(1)},planted-more`, [], "expected 6 columns, got 7"],
  ["a quote that goes on", '1,"planted-u1"x,planted-i2,planted-s1,web,1700000000', [], "malformed quote"],
  ["a key that a side table repeats", row(1), ["--side", `${side}:item_id`], "the key"],
])("an error about %s keeps its place and leaves the cell's text out", async (name, line, options, words) => {
  const bad = write(`${name}.csv`, [header, row(0), line, row(2)].join("\n"));
  const got = await embed(["train-fm", bad, "-o", at("bad"), "--label", "label", ...hashing, ...options]);
  expect([got.code, got.stderr]).toEqual([65, expect.stringContaining(words)]);
  expect(got.stderr).toMatch(/\.csv:3/);
  expect(got.stderr).toContain("[text left out under --hash-keys]");
  expect(got.stderr).not.toContain("planted");
});

test.each([
  ["a key file that does not exist is 66", ["--hash-keys", at("no-such")], 66, "cannot be read (ENOENT)"],
  ["a short secret is 64", ["--hash-keys", write("short", "guess me\n")], 64, "at least 16"],
  [
    "columns without a secret are 64",
    ["--hash-keys-of", "device"],
    64,
    "--hash-keys-of needs --hash-keys FILE",
  ],
  [
    "a column that is none is 64",
    [...hashing, "--hash-keys-of", "devise"],
    64,
    "', which is not a column in use: columns are",
  ],
  [
    "a filter that would write an id into the run is 64",
    [...hashing, "--drop", "user_id=x"],
    64,
    "--drop on 'user_id'",
  ],
  ["an expression likewise", [...hashing, "--where", "item_id != 'x'"], 64, "--where on 'item_id'"],
])("%s", async (_, options, code, words) => {
  const got = await embed(["train-fm", log, "-o", at("none"), ...options]);
  expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(words)]);
});

test("the report of bad rows keeps their places and leaves their text out", async () => {
  const bad = write(
    "bad-rows.csv",
    [header, ...rows, `${row(1)},planted-more`, row(2, "planted")].join("\n"),
  );
  const options = ["--on-bad-row", "skip", "--bad-rows", at("report.jsonl"), "--label", "label", ...hashing];
  const { stderr } = await embedOk(["train-fm", bad, "-o", at("skipped"), "--epochs", "1", ...options]);
  const report = readFileSync(at("report.jsonl"), "utf8");
  expect(
    report
      .trimEnd()
      .split("\n")
      .map((line) => parseJson<{ line: number }>(line).line),
  ).toEqual([302, 303]);
  expect(report + stderr).not.toContain("planted");
  expect(leaking(at("skipped"))).toEqual([]);
});

test("evaluate needs the run's secret, and says so", async () => {
  await embedOk(["train-fm", log, "-o", at("run"), "--epochs", "1", ...hashing]);
  const evaluate = (...options: string[]) => embed(["evaluate", at("run"), "--on", heldOut, ...options]);
  const other = write("other", "another secret, long enough");
  const got = [await evaluate(), await evaluate("--hash-keys", other), await evaluate(...hashing)];
  expect(got.map(({ code }) => code)).toEqual([64, 64, 0]);
  expect(got[0]!.stderr).toContain("--hash-keys FILE");
  expect(got[1]!.stderr).toContain("the secret in '");
});
