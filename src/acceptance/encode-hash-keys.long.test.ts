// `embed encode --hash-keys`: ids are replaced before they are written, and the dataset identifies the secret.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const table = (run: string): Buffer => readFileSync(join(at(run), "embeddings.arrow"));

/** Rows whose ids occur in no other text, so that a search for them is reliable. */
const rows = Array.from({ length: 200 }, (_, i) => {
  const friends = [`planted-user-${i % 5}`, `planted-user-${(i * 3) % 11}`].join("|");
  return `planted-user-${i % 11},planted-item-${i % 7},${i % 2},${friends}`;
});
const columns = ["--multi", "friends:|", "--hash-keys-of", "user_id,item_id,friends"];
const hashed = ["--hash-keys", at("secret"), ...columns];

beforeAll(async () => {
  writeFileSync(at("log.csv"), `user_id,item_id,click,friends\n${rows.join("\n")}\n`);
  writeFileSync(at("secret"), "a secret of more than 16 bytes\n");
  writeFileSync(at("other"), "another secret of 16 bytes and more\n");
  await embedOk(["encode", at("log.csv"), "-o", at("dataset"), ...hashed]);
});

test("no id stands in any file of the dataset or in what is printed", async () => {
  const printed = await embedOk(["encode", at("log.csv"), "-o", at("again"), ...hashed, "--json"]);
  const inspected = await embedOk(["inspect", at("again")]);
  const files = readdirSync(at("dataset")).map((name) => readFileSync(join(at("dataset"), name)));
  const all = Buffer.concat([...files, printed.bytes, inspected.bytes]).toString("latin1");
  expect(all).not.toContain("planted-");
  expect(printed.stderr + inspected.stderr).not.toContain("planted-");
  // the same search finds the ids in a dataset that was encoded without hashing
  await embedOk(["encode", at("log.csv"), "-o", at("raw"), "--multi", "friends:|"]);
  expect(readFileSync(join(at("raw"), "rows.arrow")).toString("latin1")).toContain("planted-");
});

test("training from it needs no secret and equals training from the log under the secret", async () => {
  const train = ["--epochs", "2", "--quiet", "--valid", "0.2"];
  await embedOk(["train-fm", at("log.csv"), "-o", at("log-run"), ...train, ...hashed]);
  await embedOk(["train-fm", at("dataset"), "-o", at("run"), ...train]);
  await embedOk(["train-fm", at("dataset"), "-o", at("told"), ...train, "--hash-keys", at("secret")]);
  expect(table("run").equals(table("log-run"))).toBe(true);
  expect(table("told").equals(table("log-run"))).toBe(true);
  const preprocess = (run: string) => readFileSync(join(at(run), "model/preprocess.json"), "utf8");
  expect(preprocess("run")).toBe(preprocess("log-run"));
});

test("evaluate takes the dataset without the secret, and the log with it", async () => {
  const metrics = async (...args: string[]) => {
    const { stdout } = await embedOk(["evaluate", at("run"), "--json", "--quiet", ...args]);
    return parseJson<{ metrics: unknown }>(stdout).metrics;
  };
  const onDataset = await metrics("--on", at("dataset"));
  expect(await metrics("--on", at("log.csv"), "--hash-keys", at("secret"))).toEqual(onDataset);
});

test("another secret, or rows whose ids stand as they are, are refused", async () => {
  const codeOf = async (args: string[]) => {
    const { code, stderr } = await embed(args);
    return [code, stderr.trim().split("\n").at(-1)];
  };
  const other = ["--hash-keys", at("other")];
  expect(await codeOf(["train-fm", at("dataset"), "-o", at("x"), "--quiet", ...other])).toEqual([
    64,
    expect.stringContaining("hashed with a different secret than"),
  ]);
  expect(
    await codeOf(["train-fm", at("dataset"), "-o", at("x"), "--quiet", "--valid", at("log.csv")]),
  ).toEqual([64, expect.stringContaining("--hash-keys FILE")]);
  await embedOk(["encode", at("log.csv"), "-o", at("elsewhere"), ...columns, ...other]);
  expect(await codeOf(["evaluate", at("run"), "--on", at("elsewhere")])).toEqual([
    64,
    expect.stringContaining("hashed with a different secret than"),
  ]);
  await embedOk(["train-fm", at("raw"), "-o", at("raw-run"), "--epochs", "1", "--quiet"]);
  expect(await codeOf(["evaluate", at("raw-run"), "--on", at("dataset")])).toEqual([
    64,
    expect.stringContaining("are hashed"),
  ]);
});

test("a bad row's message keeps its place and loses its text", async () => {
  writeFileSync(
    at("bad.csv"),
    `user_id,item_id,click,friends\n${rows[0]}\nplanted-user-1,planted-item-1,x\n`,
  );
  const { code, stderr } = await embed(argv`encode ${at("bad.csv")} -o ${at("bad")} --label click ${hashed}`);
  expect(code).toBe(65);
  expect(stderr).toContain("bad.csv:3");
  expect(stderr).not.toContain("planted-");
});

test("a separator that may occur in a hash is refused", async () => {
  const args = ["--hash-keys", at("secret"), "--hash-keys-of", "friends", "--multi", "friends:a"];
  const { code, stderr } = await embed(["encode", at("log.csv"), "-o", at("x"), ...args]);
  expect([code, stderr]).toEqual([64, expect.stringContaining("may occur in a hash")]);
});
