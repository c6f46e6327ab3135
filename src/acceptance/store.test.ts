// `embed publish`, `rollback`, `ls` and `gc`: the versions of a store.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import type { StoreListing } from "../weekly/store/ls.js";

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const latest = (store: string) => readlinkSync(at(store, "items", "latest"));
const publish = (store: string, ...more: string[]) =>
  embed(["publish", at("run"), "--store", at(store), "--name", "items", ...more]);

/** Publishes the run several times in a new store. */
async function storeOf(name: string, versions: number): Promise<string> {
  for (let i = 0; i < versions; i++) expect(await publish(name)).toMatchObject({ code: 0, stderr: "" });
  return at(name);
}

/** Flips one bit of a file. */
function flip(path: string, byte: number): void {
  const bytes = readFileSync(path);
  bytes[byte]! ^= 4;
  writeFileSync(path, bytes);
}

beforeAll(async () => {
  await embedOk(["train-fm", fixture("clicks.csv"), "-o", at("run"), "--epochs", "1", "--dim", "4"]);
});

test("a published run is a run, and the next one takes its place as the latest", async () => {
  const first = await publish("plain");
  expect([first.code, first.stdout]).toEqual([0, `${at("plain", "items", "000001")}: the first version\n`]);
  writeFileSync(at("items.txt"), "anything");
  mkdirSync(at("exports/csv"), { recursive: true });
  writeFileSync(at("exports/csv/a.csv"), "a");
  const extras = ["--extra", `lists/items.txt=${at("items.txt")}`, "--extra", at("exports")];
  const second = await publish("plain", ...extras, "--json");
  expect(parseJson(second.stdout)).toMatchObject({
    command: "publish",
    out: at("plain", "items", "000002"),
    published: { name: "items", version: "000002", previous: "000001" },
  });
  expect(latest("plain")).toBe("000002");
  expect(readFileSync(at("plain/items/latest/lists/items.txt"), "utf8")).toBe("anything");
  expect(readFileSync(at("plain/items/latest/exports/csv/a.csv"), "utf8")).toBe("a");
  expect(readdirSync(at("plain/items"))).toEqual(["000001", "000002", "latest"]);

  const of = (run: string) => embedOk(["neighbors", run, "--key", "item:tea-03"]);
  expect((await of(at("plain/items/latest"))).stdout).toBe((await of(at("run"))).stdout);
});

test("a dry run checks and writes nothing", async () => {
  const got = await publish("dry", "--dry-run");
  expect([got.code, got.stdout]).toEqual([
    0,
    `${at("dry", "items", "000001")}: would be the first version\n`,
  ]);
  expect(existsSync(at("dry"))).toBe(false);
});

test("rollback goes back and forth; the next version takes a number of its own, and what it came after is what it goes back to", async () => {
  const store = await storeOf("back", 3);
  expect((await embedOk(["rollback", `${store}/items`])).stdout).toBe(
    `${join(store, "items", "000002")}: is now the latest version, 000003 was\n`,
  );
  await publish("back");
  expect(latest("back")).toBe("000004");
  const { stdout } = await embedOk(["rollback", `${store}/items/`, "--json"]);
  expect(parseJson(stdout)).toMatchObject({ rollback: { from: "000004", to: "000002", skipped: [] } });
  await embedOk(["rollback", `${store}/items`, "--to", "3", "--dry-run"]);
  expect(latest("back")).toBe("000002");
  await embedOk(["rollback", `${store}/items`, "--to", "3"]);
  expect(latest("back")).toBe("000003");
  await embedOk(["rollback", `${store}/items`, "--to", "000001"]);
  const none = await embed(["rollback", `${store}/items`]);
  expect([none.code, none.stderr]).toEqual([66, expect.stringContaining("no version before 000001")]);
  const absent = await embed(["rollback", `${store}/items`, "--to", "9"]);
  expect([absent.code, absent.stderr]).toEqual([
    66,
    expect.stringContaining("000001, 000002, 000003, 000004"),
  ]);
});

test("gc keeps the newest and the latest, wherever it is, and gives no number twice", async () => {
  const store = await storeOf("old", 5);
  await embedOk(["rollback", `${store}/items`, "--to", "2"]);
  const dry = await embedOk(["gc", store, "--keep", "1", "--dry-run", "--json"]);
  expect(parseJson(dry.stdout)).toMatchObject({
    names: [{ name: "items", kept: ["000002", "000005"], removed: ["000001", "000003", "000004"] }],
  });
  expect(readdirSync(at("old/items"))).toHaveLength(6);
  const got = await embedOk(["gc", store, "items", "--keep", "1"]);
  expect(got.stdout).toMatch(/^items: removed 000001, 000003, 000004; 2 kept\n.* freed\n$/);
  expect(readdirSync(at("old/items"))).toEqual(["000002", "000005", "latest"]);
  await publish("old");
  expect(latest("old")).toBe("000006");
  expect((await embed(["gc", store, "--keep", "0"])).code).toBe(64);
});

test("gc removes what dead writers left, and the name of a first publication that was killed", async () => {
  const store = await storeOf("left", 1);
  const dead = "4194305-00ff-elsewhere.example";
  for (const name of [`.000002.new-${dead}`, `.000007.gone-${dead}`]) {
    mkdirSync(at("left/items", name));
    writeFileSync(at("left/items", name, "embeddings.arrow"), "half");
  }
  symlinkSync("000002", at("left/items", `.latest.new-${dead}`));
  mkdirSync(at("left/killed"));
  symlinkSync(`embed:4194305:1:-:-:abc:elsewhere.example`, at("left/killed/.lock"));
  mkdirSync(at("left/of somebody"));
  const locked = await embed(["gc", store]);
  expect([locked.code, locked.stderr]).toEqual([75, expect.stringContaining("rm '")]);
  rmSync(at("left/killed/.lock"));
  mkdirSync(at("left/killed", `.000001.new-${dead}`));
  // gc cleans the names of a store in alphabetical order, so that it had cleaned `items` when it failed at the locked
  // name `killed`
  expect(readdirSync(at("left/items"))).toEqual(["000001", "latest"]);
  const { stdout } = await embedOk(["gc", store]);
  expect(stdout).toContain("items: removed none; 1 kept");
  expect(stdout).toContain("killed: removed none, and 1 leftover files of interrupted writers; 0 kept");
  expect(readdirSync(at("left"))).toEqual(["items", "of somebody"]);
  expect(readdirSync(at("left/items"))).toEqual(["000001", "latest"]);
});

test("ls tells the latest and what the versions are", async () => {
  const store = await storeOf("listed", 2);
  const { stdout } = await embedOk(["ls", store]);
  expect(stdout).toMatch(/^name +version +command +rows +metric +size +written +state$/m);
  expect(stdout).toMatch(/^items +000001 +train-fm +12,000 +.*whole$/m);
  expect(stdout).toMatch(/^items +000002 +\* +train-fm/m);
  const { versions } = parseJson<StoreListing>((await embedOk(["ls", store, "items", "--json"])).stdout);
  expect(versions[1]).toMatchObject({
    name: "items",
    version: "000002",
    latest: true,
    damage: null,
    command: "train-fm",
    rows: 12000,
    metric: { part: "train", name: "logLoss", value: expect.any(Number) },
  });
});

test.each([
  ["embeddings.arrow", 900],
  ["manifest.json", 40],
  ["model/fm.safetensors", 20],
  ["metrics.jsonl", 3],
  ["publication.json", 30],
])("one bit of %s turned in the latest version is 82, and rollback is what to try", async (file, byte) => {
  const store = await storeOf(`bad ${file.replace("/", " ")}`, 3);
  flip(join(store, "items", "latest", file), byte);
  const listed = await embedOk(["ls", store]);
  expect(listed.stdout).toMatch(/000003 +\* .*damaged$/m);
  expect(listed.stderr).toContain(`embed rollback '${join(store, "items")}'`);
  if (file !== "metrics.jsonl") {
    const model = file.startsWith("model");
    const used = model
      ? ["evaluate", join(store, "items/latest"), "--on", fixture("clicks.csv")]
      : ["neighbors", join(store, "items/latest"), "--key", "item:tea-03"];
    const got = await embed(used);
    expect([got.code, got.stderr]).toEqual([82, expect.stringContaining("embed rollback")]);
  }
  expect((await embed(["gc", store, "--keep", "1"])).code).toBe(82);
  flip(join(store, "items", "000002", file), byte);
  const back = await embedOk(["rollback", `${store}/items`]);
  expect([back.stdout, back.stderr]).toEqual([
    expect.stringContaining("000001: is now the latest version, 000003 was"),
    "skipped damaged versions: 000002\n",
  ]);
  expect((await embed(["rollback", `${store}/items`, "--to", "2"])).code).toBe(82);
});

test("a damaged run, a missing one and bad names publish nothing", async () => {
  await embedOk(["train-fm", fixture("clicks.csv"), "-o", at("bad"), "--epochs", "1", "--dim", "4"]);
  flip(at("bad", "embeddings.arrow"), 900);
  const of = (run: string, name = "items") => embed(["publish", run, "--store", at("none"), "--name", name]);
  expect((await of(at("bad"))).code).toBe(82);
  expect((await of(at("absent"))).code).toBe(66);
  for (const name of ["../items", "latest", ".hidden", "a/b", ""]) {
    expect((await of(at("run"), name)).code).toBe(64);
  }
  expect((await publish("none", "--extra", `../out=${at("run")}`)).code).toBe(64);
  expect((await publish("none", "--extra", `manifest.json=${at("run/manifest.json")}`)).code).toBe(73);
  expect((await publish("none", "--extra", at("no such file"))).code).toBe(66);
  expect(readdirSync(at("none"))).toEqual([]);
  expect((await publish("run")).code).toBe(64);
  expect((await publish("run/store")).code).toBe(64);
  for (const command of [
    ["ls", at("nowhere")],
    ["gc", at("nowhere")],
    ["rollback", at("none/items")],
  ]) {
    expect((await embed(command)).code).toBe(66);
  }
});
