// --dedupe-by from the shell: a log with planted duplicates gives the same results as the log without them, in every
// command.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const [header, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
const clean = lines.slice(0, 3000).map((line, i) => `e${i},${line}`);

/** Writes the clean log as two files, with a copy of every twentieth event up to 500 rows after it. */
const numCopies = clean.length / 20;
{
  const random = mulberry32(5);
  const copies = Array.from({ length: numCopies }, (_, i) => ({
    after: 20 * i + integerBelow(500, random),
    // each copy is the same event, delivered a second time with the opposite label
    line: clean[20 * i]!.replace(/,([01]),/, (_, label) => `,${1 - Number(label)},`),
  }));
  const rows = clean.flatMap((line, i) => [
    line,
    ...copies.filter(({ after }) => Math.min(after, clean.length - 1) === i).map((copy) => copy.line),
  ]);
  const write = (name: string, written: readonly string[]) =>
    writeFileSync(at(name), `event_id,${header}\n${written.join("\n")}\n`);
  write("clean.csv", clean);
  write("a.csv", rows.slice(0, 1700));
  write("b.csv", rows.slice(1700));
}
const log = [at("a.csv"), at("b.csv")];
const piped = `${readFileSync(at("a.csv"), "utf8")}${readFileSync(at("b.csv"), "utf8")}`;
const by = ["--dedupe-by", "event_id"];
const dedupe = (options = "") => ({
  ...{ step: "dedupe", by: `--dedupe-by event_id${options}`, withoutKey: 0 },
  ...{ before: clean.length + numCopies, after: clean.length },
});
const jsonOf = async (args: string[], input?: string) =>
  parseJson<{ rows: number; steps: object[]; warnings: string[] }>(
    (await embedOk([...args, "--json", "--force"], { cwd: folder, input })).stdout,
  );

test("an encoded dataset, also of a pipe with two headers, holds the rows of the log without copies", async () => {
  await embedOk(["encode", "clean.csv", "--ignore", "event_id", "-o", "clean"], { cwd: folder });
  const encoded = await jsonOf(["encode", ...log, ...by, "-o", "deduped"]);
  expect([encoded.rows, encoded.steps[1]]).toEqual([clean.length, dedupe()]);
  await jsonOf(["encode", "-", ...by, "-o", "piped"], piped);
  const rowsOf = (name: string) => readFileSync(at(`${name}/rows.arrow`));
  expect(rowsOf("deduped").equals(rowsOf("clean"))).toBe(true);
  expect(rowsOf("piped").equals(rowsOf("clean"))).toBe(true);
  const last = await jsonOf(["encode", ...log, ...by, "--dedupe-keep", "last", "-o", "last"]);
  expect([last.rows, last.steps[1]]).toEqual([clean.length, dedupe(" --dedupe-keep last")]);
  expect(rowsOf("last").equals(rowsOf("clean"))).toBe(false);
});

test("a training has the table of the log without copies, and is reproduced", async () => {
  const train = ["--epochs", "2", "--dim", "4", "--valid", "0.1"];
  await embedOk(["train-fm", "clean.csv", "--ignore", "event_id", ...train, "-o", "fm-clean"], {
    cwd: folder,
  });
  const trained = await jsonOf(["train-fm", ...log, ...by, ...train, "-o", "fm"]);
  expect(trained.steps[1]).toEqual(dedupe());
  const tableOf = (run: string) => readFileSync(at(`${run}/embeddings.arrow`));
  expect(tableOf("fm").equals(tableOf("fm-clean"))).toBe(true);
  const manifest = readJson<{ steps: object[] }>(at("fm/manifest.json"));
  expect(manifest.steps).toEqual(trained.steps);
  await embedOk(["reproduce", "fm"], { cwd: folder });
  const evaluated = await jsonOf(argv`evaluate fm ${log.flatMap((path) => ["--on", path])} ${by}
      --bootstrap 0`);
  const onClean = await jsonOf(["evaluate", "fm", "--on", "clean.csv", "--bootstrap", "0"]);
  expect(evaluated).toMatchObject({ rows: onClean.rows, metrics: (onClean as { metrics?: object }).metrics });
});

test("a column with a role stays a feature, another one is left out and named", async () => {
  const { stderr } = await embedOk(["train-fm", ...log, ...by, "--epochs", "1", "-o", "left"], {
    cwd: folder,
  });
  expect(stderr).toContain(
    "'event_id' identifies events (--dedupe-by) and is no feature; --fields includes it",
  );
  const roles = ["user_id", "item_id"];
  const train = ["train-fm", ...log, "--dedupe-by", roles.join(), "--ignore", "event_id", "--epochs", "1"];
  await embedOk([...train, "-o", "pairs"], { cwd: folder });
  const manifest = readJson<{ roles: { fields: string[] } }>(at("pairs/manifest.json"));
  expect(manifest.roles.fields).toEqual(expect.arrayContaining(roles));
});

test.each([
  ["train-fm clean --dedupe-by user_id -o x", "contradicts dataset 'clean', which was encoded without it"],
  ["inspect clean --dedupe-by user_id", "contradicts dataset 'clean', which was encoded without it"],
  ["encode a.csv --dedupe-by event -o x", "--dedupe-by: no column 'event'"],
  ["encode a.csv --dedupe-by event_id --dedupe -o x", "--dedupe-by cannot be combined with --dedupe"],
  ["encode a.csv --dedupe-keep last -o x", "--dedupe-keep needs --dedupe-by COLUMNS"],
  ["predict fm a.csv --dedupe-by event_id", "--dedupe-by cannot be used here, because predict writes"],
  ["transform fm a.csv --dedupe-by event_id", "--dedupe-by needs --fold-in LOG"],
  ["recall fm --dedupe-by event_id", "--dedupe-by needs --mask LOG or --fold-in LOG"],
])("%s is refused", async (line, message) => {
  const { code, stderr } = await embed(line.split(" "), { cwd: folder });
  expect([code, stderr]).toEqual([64, expect.stringContaining(message)]);
});
