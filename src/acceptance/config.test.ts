// `--config`, EMBED_* variables and `inspect --write-config` use the same names, with a defined precedence.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder, type Running } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");

function written(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

async function optionsOf(args: string[], running: Running = {}): Promise<Record<string, unknown>> {
  const { stdout } = await embedOk(["train-fm", ...args, "--force", "--json"], running);
  return parseJson<{ options: Record<string, unknown> }>(stdout).options;
}

test("a flag goes before a variable, a variable before the file, the file before the default", async () => {
  const config = written(
    "order.yaml",
    `out: ${at("order")}\ndim: 4\nepochs: 3\nseed: 9\nfields: [user_id, item_id]\n`,
  );
  const options = await optionsOf([clicks, "--config", config, "--epochs", "1"], {
    env: { EMBED_EPOCHS: "2", EMBED_SEED: "8" },
  });
  expect(options).toMatchObject({ dim: 4, epochs: 1, seed: 8, patience: 2, fields: ["user_id", "item_id"] });
  const flag = await optionsOf([clicks, "--config", config, "--epochs", "1", "--fields", "device"]);
  expect(flag["fields"]).toEqual(["device"]);
});

test("lists, mappings and switches are written as YAML has them, and EMBED_CONFIG names the file", async () => {
  const input = 'click,user_id,"a,b",price,tags\n1,u,x,1,p|q\n0,v,y,5,q\n1,w,x,2,p\n0,u,y,9,\n';
  const config = written(
    "kinds.yaml",
    [
      "label: click",
      'fields: ["a,b"]',
      "numeric: {price: bins=2}",
      'multi: {tags: "|"}',
      "shuffle: false",
      "where:",
      "  - price > 0",
      '  - "`a,b` is not missing"',
      "epochs: 1",
      "# another command's",
      "top: 3",
    ].join("\n"),
  );
  const options = await optionsOf(["-", "-o", at("kinds")], { input, env: { EMBED_CONFIG: config } });
  expect(options).toMatchObject({
    fields: ["a,b"],
    numeric: ["price:bins=2"],
    multi: { tags: "|" },
    shuffle: false,
    where: ["price > 0", "`a,b` is not missing"],
  });
  const shuffled = await optionsOf(["-", "-o", at("kinds")], {
    input,
    env: { EMBED_CONFIG: config, EMBED_SHUFFLE: "true" },
  });
  expect(shuffled["shuffle"]).toBe(true);
});

test.each([
  ["an unknown key", "dim: 4\n  \nepocs: 3\n", ":3:1: unknown key 'epocs': did you mean 'epochs'?"],
  ["a value of another kind", "dim: [4, 5]\n", ":1:1: 'dim' expects one value, got"],
  [
    "a value that the option refuses",
    "dim: 4\nlearning-rate: fast\n",
    ":2:1: --learning-rate expects a number, got 'fast'",
  ],
  [
    "none of the choices",
    "split: sometimes\n",
    ":1:1: 'split' expects one of time, random, rows, user, items, last, got",
  ],
  ["a switch that is none", "force: maybe\n", ":1:1: 'force' expects true or false"],
  ["a key without a value", "label:\n", ":1:1: 'label' expects one value"],
  ["a key twice", "dim: 4\ndim: 5\n", ':2:1: the key "dim" occurs twice'],
  ["no YAML", "dim: [4\n", ":2:1: "],
  ["a list", "- dim\n", ":1:1: expected options as `name: value`"],
])("%s is 78 with line and column", async (_, text, message) => {
  const config = written("wrong.yaml", text);
  const got = await embed(["train-fm", clicks, "-o", at("wrong"), "--config", config]);
  expect([got.code, got.stderr]).toEqual([78, expect.stringContaining(`wrong.yaml${message}`)]);
  expect(existsSync(at("wrong"))).toBe(false);
});

test("a config file that is not there is 78, a variable's bad value 64 with its name", async () => {
  const missing = await embed(["train-fm", clicks, "-o", at("x"), "--config", at("none.yaml")]);
  expect([missing.code, missing.stderr]).toEqual([78, expect.stringContaining("none.yaml")]);
  const bad = await embed(["train-fm", clicks, "-o", at("x")], { env: { EMBED_DIM: "many" } });
  expect([bad.code, bad.stderr]).toEqual([64, expect.stringContaining("EMBED_DIM: --dim expects")]);
});

test("a file of comments says nothing, and an empty variable neither", async () => {
  const config = written("comments.yaml", "# dim: 4\n");
  const args = [clicks, "-o", at("comments"), "--epochs", "1", "--config", config];
  expect((await optionsOf(args, { env: { EMBED_DIM: "" } }))["dim"]).toBe(16);
});

test("inspect --write-config writes what training infers: both give the same table", async () => {
  await embedOk(["inspect", clicks, "--write-config", at("starter.yaml")]);
  const text = readFileSync(at("starter.yaml"), "utf8");
  expect(text).toContain("user: user_id\nitem: item_id\nlabel: click\ntime: timestamp\n");
  expect(text).toContain("  - user_id # 160 distinct");
  await embedOk(["train-fm", clicks, "-o", at("plain"), "--epochs", "1"]);
  await embedOk(["train-fm", clicks, "-o", at("told"), "--epochs", "1", "--config", at("starter.yaml")]);
  const tableOf = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
  expect(tableOf("told").equals(tableOf("plain"))).toBe(true);
});

test("the starter config of names that YAML would misread can be trained with", async () => {
  const input = 'click,user_id,item_id,yes,"a: b",#c,__proto__,price\n1,u,i,p,q,r,s,1.5\n0,v,j,t,u,v,w,2.5\n';
  await embedOk(["inspect", "-", "--write-config", at("odd.yaml")], { input });
  const options = await optionsOf(["-", "-o", at("odd"), "--epochs", "1", "--config", at("odd.yaml")], {
    input,
  });
  expect(options["fields"]).toEqual(["user_id", "item_id", "yes", "a: b", "#c", "__proto__"]);
  expect(options["numeric"]).toEqual(["price"]);
});

test("an existing config file is 73, and replaced under --force", async () => {
  const path = written("mine.yaml", "mine: true\n");
  expect((await embed(["inspect", clicks, "--write-config", path])).code).toBe(73);
  expect(readFileSync(path, "utf8")).toBe("mine: true\n");
  await embedOk(["inspect", clicks, "--write-config", path, "--force"]);
  expect(readFileSync(path, "utf8")).toContain("label: click");
});
