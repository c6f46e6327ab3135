// `embed forget`: keys are removed from every version of a store, and the models score without them.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ForgetSummary } from "../weekly/forget/forget.js";
import { publish } from "../weekly/store/publish.js";
import type { StoreListing } from "../weekly/store/ls.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const [user, item] = ["u019", "tea-03"];
const lock = { waitMs: 0, signal: new AbortController().signal };

/** Returns the files below a folder in which grep finds a key. */
function grep(place: string, ...keys: string[]): string[] {
  const found = spawnSync("grep", ["-rlaE", keys.join("|"), place], { encoding: "utf8" });
  expect(found.stderr).toBe("");
  return found.stdout.split("\n").filter((line) => line !== "");
}

const quick = ["--epochs", "1", "--dim", "4"];
const buyers = ["--user", "customer_id", "--item", "product_id"];
const runs: Record<string, string[]> = {
  fm: [
    "train-fm",
    fixture("clicks.csv"),
    ...quick,
    ..."--keep-state --drop user_id^=u021 --where".split(" "),
    'user_id != "u020"',
  ],
  negatives: ["train-fm", fixture("purchases.csv"), ...buyers, ...quick, "--negatives", "1"],
  pca: ["train-pca", fixture("purchases.csv"), ...buyers, "--dim", "4"],
  trees: [
    "train-gbdt",
    fixture("clicks.csv"),
    ..."--num-trees 3 --entity item_id --dim 2 --ctr user_id,user_id*item_id --head lr".split(" "),
  ],
};

beforeAll(async () => {
  for (const [name, job] of Object.entries(runs)) {
    await embedOk([...job, "-o", at(name), "--quiet"]);
    await publish(at(name), { store: at("store"), name, ...lock });
  }
  writeFileSync(at("items.csv"), `${item},1\n`);
  writeFileSync(at("packed.bin"), "\u001f\u008b packed");
  const extras = argv`--extra exports/items.bin=${at("packed.bin")} --extra note.txt=${at("items.csv")}`;
  await embedOk(["publish", at("fm"), "--store", at("store"), "--name", "fm", ...extras]);
  cpSync(at("fm"), at("alone"), { recursive: true });
});

test("a dry run says what would change, and changes nothing", async () => {
  const before = grep(at("store"), user, item);
  const { stdout } = await embedOk(["forget", at("store"), `user:${user}`, "--dry-run"]);
  // the run has target statistics for the user alone and for 65 pairs of the user and an item, and each of them names
  // the user's key
  expect(stdout).toContain(`${at("store/trees/000001")}: 66 rows and entries would be forgotten\n`);
  expect(grep(at("store"), user, item)).toEqual(before);
});

test("afterwards grep finds the keys nowhere in the store, and every version is whole", async () => {
  mkdirSync(at("store/.work/shop"), { recursive: true });
  cpSync(at("fm"), at("store/.work/shop/fm"), { recursive: true });
  // files of other programs, of which the user is told
  writeFileSync(at("store/copy.csv"), "");
  mkdirSync(at("store/fm/notes"));
  mkdirSync(at("store/fm/.000009.new-4194305-00ff-elsewhere.example"));
  writeFileSync(at("store/fm/.000009.new-4194305-00ff-elsewhere.example/half"), user);
  const latest = Object.keys(runs).map((name) => readlinkSync(at("store", name, "latest")));
  for (const name of Object.keys(runs)) expect(grep(at("store", name), user, item)).not.toEqual([]);

  writeFileSync(at("keys.txt"), `item:${item}\r\n\nuser:u020\nuser:u021\n`);
  const { stdout } = await embedOk(argv`forget ${at("store")} user:${user} --keys ${at("keys.txt")} --json`);
  const { changed, work, notSearched } = parseJson<ForgetSummary>(stdout);
  expect(changed).toHaveLength(Object.keys(runs).length + 1);
  const [second] = changed.filter(({ path }) => path === at("store/fm/000002"));
  expect(second!.removed).toEqual(["exports/items.bin", "note.txt"]);
  expect(work).toEqual([at("store/.work/shop")]);
  expect(notSearched).toEqual([at("store/copy.csv"), at("store/fm/notes")]);

  expect(grep(at("store"), user, item, "u020", "u021")).toEqual([]);
  const { versions } = parseJson<StoreListing>((await embedOk(["ls", at("store"), "--json"])).stdout);
  expect(versions.map(({ damage }) => damage)).toEqual(versions.map(() => null));
  expect(Object.keys(runs).map((name) => readlinkSync(at("store", name, "latest")))).toEqual(latest);
  expect(readdirSync(at("store/fm"))).toEqual(["000001", "000002", "latest", "notes"]);
});

test("a key that nothing holds is 64 and changes nothing, though the word stands in files beside", async () => {
  writeFileSync(at("numbers.txt"), "user_id 1\n");
  mkdirSync(at("store/.work/shop"), { recursive: true });
  cpSync(at("fm"), at("store/.work/shop/fm"), { recursive: true });
  const extra = [`exports/numbers.txt=${at("numbers.txt")}`];
  await publish(at("store/fm/latest"), { store: at("store"), name: "fm", extra, ...lock });
  const before = readFileSync(at("store/fm/latest/publication.json"));
  for (const keys of [["user:1"], [`user:${user}`, `item:${item}`], ["item:user_id", "--dry-run"]]) {
    const { code, stderr } = await embed(["forget", at("store"), ...keys]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("nothing was changed")]);
  }
  expect((await embed(["forget", at("fm"), "user:nobody"])).code).toBe(64);
  expect(readFileSync(at("store/fm/latest/publication.json"))).toEqual(before);
  expect(readdirSync(at("store/.work/shop"))).toEqual(["fm"]);
});

test("keys that nothing holds are named beside those that are forgotten", async () => {
  cpSync(at("store"), at("other"), { recursive: true, verbatimSymlinks: true });
  const { stdout } = await embedOk(["forget", at("other"), "user:u018", "user:1"]);
  expect(stdout).toContain("user:1: not found\n");
  expect(stdout).toContain(`${at("other/copy.csv")}: not written by embed and not searched\n`);
  expect(stdout).toContain(`${at("other/fm/000003")}: exports/numbers.txt removed; export it again\n`);
});

test("a key that step outputs alone hold is forgotten with them", async () => {
  await embedOk(["encode", fixture("clicks.csv"), "-o", at("rare"), "--quiet"]);
  cpSync(at("rare"), at("store/.work/shop/encode-0123456789abcdef"), { recursive: true });
  const found = await embedOk(["forget", at("store"), `user:${user}`]);
  expect(found.stdout).toContain(".work/shop: removed");
  expect(readdirSync(at("store/.work/shop"))).toEqual([]);
});

test("other rows keep their numbers and vectors; the key's row is a hole", async () => {
  const csv = async (run: string) =>
    (await embedOk(["export", run, "--format", "csv", "--with-weight"])).stdout.split("\n");
  const [before, after] = [await csv(at("fm")), await csv(at("store/fm/latest"))];
  const gone = before.filter((line) => !after.includes(line)).map((line) => line.split(",")[1]);
  // the keys u020 and u021 are not in the table, so that forgetting them removes no row
  expect(gone.sort()).toEqual([item, user].sort());
  const holes = after.filter((line) => !before.includes(line));
  expect(holes).toEqual(["user_id,,0,0,0,0,0,0", "item_id,,0,0,0,0,0,0"]);
  expect(after).toHaveLength(before.length);
  const vectors = async (run: string, out: string) => {
    await embedOk(["export", run, "--format", "npy", "-o", at(out)]);
    return readFileSync(at(out, "vectors.npy")).length;
  };
  expect(await vectors(at("store/fm/latest"), "after")).toBe(await vectors(at("fm"), "before"));
  const asked = await embed(["neighbors", at("store/fm/latest"), "--key", `item:${item}`]);
  expect(asked.code).toBe(64);
});

test("a training goes on from it, and a weekly one learns the key anew only when the log has it", async () => {
  const out = ["-o", at("next"), "--init", at("store/fm/latest"), "--row-order", at("store/fm/latest")];
  await embedOk(["train-fm", fixture("clicks.csv"), ...quick, ...out, "--quiet"]);
  expect(grep(at("next"), user)).not.toEqual([]);
  const lines = readFileSync(fixture("clicks.csv"), "utf8").split("\n");
  writeFileSync(at("less.csv"), lines.filter((line) => !line.includes(`,${user},`)).join("\n"));
  await embedOk(["train-fm", at("less.csv"), ...quick, ...out, "--quiet", "--force"]);
  expect(grep(at("next"), user)).toEqual([]);
});

test("one run forgets as well, also in its warnings, and bad input is refused", async () => {
  const manifest = readJson<{ warnings: string[] }>(at("alone/manifest.json"));
  manifest.warnings.push(`user_id ${user} has 12 % of the rows`);
  writeFileSync(at("alone/manifest.json"), JSON.stringify(manifest));
  const { stdout } = await embedOk(["forget", at("alone"), `user:${user}`, `item_id:${item}`]);
  expect(stdout).toMatch(/^.*alone: \d+ rows and entries forgotten\n$/);
  expect(grep(at("alone"), user, item)).toEqual([]);
  expect(readJson(at("alone/manifest.json"))).toMatchObject({
    forgotten: expect.any(Number),
    warnings: [...manifest.warnings.slice(0, -1), expect.stringMatching(/has 12 % of the rows$/)],
  });

  const codeOf = async (...args: string[]) => (await embed(["forget", ...args])).code;
  expect(await codeOf(at("alone"))).toBe(64);
  expect(await codeOf(at("alone"), "u019")).toBe(64);
  expect(await codeOf(at("alone"), "usr:u018")).toBe(64);
  expect(await codeOf(at("store/fm/latest"), "user:u018")).toBe(64);
  expect(await codeOf(at("nowhere"), "user:u018")).toBe(66);
  expect(await codeOf(at("alone"), "--keys", at("nowhere"))).toBe(66);
  const bytes = readFileSync(at("store/pca/000001/embeddings.arrow"));
  bytes[900]! ^= 1;
  writeFileSync(at("store/pca/000001/embeddings.arrow"), bytes);
  const damaged = await embed(["forget", at("store/pca"), "user:u018"]);
  expect([damaged.code, damaged.stderr]).toEqual([82, expect.stringContaining("pca --remove 1, then")]);
});
