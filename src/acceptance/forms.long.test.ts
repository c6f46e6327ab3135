// Tests the file formats of logs through the built program.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { embed, embedOk, temporaryFolder, type Running } from "../testing/embed.js";
import { delimitedOf, jsonLinesOf, parquetOf } from "../testing/forms.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

function written(name: string, content: string | Uint8Array): string {
  writeFileSync(at(name), content);
  return at(name);
}

async function tableOf(name: string, args: string[], running: Running = {}): Promise<Buffer> {
  await embedOk(["train-fm", ...args, "-o", at(name), "--epochs", "2"], running);
  return readFileSync(join(at(name), "embeddings.arrow"));
}

describe("the clicks give the same embeddings.arrow", () => {
  const [columns, ...rows] = readFileSync(fixture("clicks.csv"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  let expected: Buffer;
  beforeAll(async () => {
    expected = await tableOf("csv", [fixture("clicks.csv")]);
  });

  test("as JSON lines, gzipped or from standard input", async () => {
    const lines = jsonLinesOf(columns, rows);
    expect((await tableOf("jsonl", [written("c.jsonl", lines)])).equals(expected)).toBe(true);
    expect((await tableOf("gz", [written("c.ndjson.gz", gzipSync(lines))])).equals(expected)).toBe(true);
    const stdin = await tableOf("stdin", ["-", "--input-format", "jsonl"], { input: lines });
    expect(stdin.equals(expected)).toBe(true);
  });

  test("as Parquet of several row groups", async () => {
    const bytes = parquetOf(columns, rows, 5000);
    expect((await tableOf("parquet", [written("c.parquet", bytes)])).equals(expected)).toBe(true);
    const named = await tableOf("named", [written("c.data", bytes), "--input-format", "parquet"]);
    expect(named.equals(expected)).toBe(true);
  });

  test("from files that a pattern names, and with rows twice under --dedupe", async () => {
    const halves = [rows.slice(0, 7000), rows.slice(5000)];
    halves.forEach((half, i) => written(`half-${i}.tsv`, delimitedOf(columns, half, "\t")));
    const { stderr } = await embedOk([
      ...["train-fm", at("half-*.tsv"), "--dedupe", "-o", at("halves"), "--epochs", "2"],
    ]);
    expect(stderr).toContain("2000 rows excluded by --dedupe");
    expect(readFileSync(join(at("halves"), "embeddings.arrow")).equals(expected)).toBe(true);
    const inspected = await embedOk(["inspect", at("half-*.tsv"), "--dedupe", "--json"]);
    expect(parseJson<{ rows: number }>(inspected.stdout).rows).toBe(rows.length);
  });
});

describe("libffm and libsvm text", () => {
  // the label is 1 if the numbers of user and item are both odd or both even
  const events = Array.from({ length: 2000 }, (_, i) => [(i * 7) % 20, (i * 13 + (i >> 4)) % 30]);
  const label = ([user, item]: number[]) => ((user + item) % 2 === 0 ? 1 : 0);

  test("predict as the same one-hot columns of a CSV do, since an index counts 1", async () => {
    const rows = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(1);
    const cells = rows.map((line) => line.split(",").slice(0, 5));
    const ids = new Map<string, number>();
    const indices = cells.map(([, ...keys]) =>
      keys.flatMap((key, field) => {
        const name = `${field}=${key}`;
        if (key !== "") ids.set(name, ids.get(name) ?? ids.size + 1);
        return key === "" ? [] : [{ field, index: ids.get(name)! }];
      }),
    );
    const textOf = (tokenOf: (token: { field: number; index: number }) => string) =>
      indices.map((tokens, row) => [cells[row]![0], ...tokens.map(tokenOf)].join(" "));
    const csv = cells.map((row) => row.join(","));
    // in each format, every fifth row is held out; the metrics differ only by the random initial vectors
    const files = Object.entries({
      "same.csv": { header: ["click,user,item,device,hour"], lines: csv },
      "same.libfm": { header: [], lines: textOf(({ index }) => `${index}:1`) },
      "same.ffm": { header: [], lines: textOf(({ field, index }) => `${field}:${index}:1.0`) },
    }).map(([name, { header, lines }]) => {
      const part = (isHeldOut: boolean) =>
        [...header, ...lines.filter((_, row) => (row % 5 === 0) === isHeldOut)].join("\n");
      return [written(name, part(false)), written(`valid-${name}`, part(true))];
    });
    const aucs = await Promise.all(
      files.map(async ([train, valid], i) => {
        const args = ["--valid", valid!, "-o", at(`same-${i}`), "--epochs", "8", "--json"];
        const { stdout } = await embedOk(["train-fm", train!, ...args]);
        return parseJson<{ metrics: { valid: { auc: number } } }>(stdout).metrics.valid.auc;
      }),
    );
    expect(aucs[0]).toBeGreaterThan(0.85);
    for (const auc of aucs.slice(1)) expect(Math.abs(auc - aucs[0]!)).toBeLessThan(0.02);
  });

  test("of a libffm file are fields named by their number", async () => {
    const text = events.map((e) => `${label(e)} 0:${e[0]}:1 1:${20 + e[1]}:1`).join("\n");
    const csv = `label,0,1\n${events.map((e) => `${label(e)},${e[0]},${20 + e[1]}`).join("\n")}\n`;
    const ffm = await tableOf("ffm", [written("c.ffm", text)]);
    expect(ffm.equals(await tableOf("ffm-csv", [written("ffm.csv", csv)]))).toBe(true);
    const { stdout } = await embedOk(["export", at("ffm"), "--format", "csv", "--field", "1"]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(31);
  });

  test("of a libsvm file are keys of one several-valued field", async () => {
    const text = events.map((e) => `${label(e)} ${e[0]}:1 ${20 + e[1]}:1`).join("\n");
    await embedOk(["train-fm", written("c.libsvm", text), "-o", at("svm"), "--epochs", "2", "--test", "0.2"]);
    const { stdout } = await embedOk(["export", at("svm"), "--format", "csv", "--field", "feature"]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(51);
    await embedOk(["evaluate", at("svm"), "--on", at("c.libsvm")]);
  });
});

describe("what cannot be read ends with its code and what to try", () => {
  test.each([
    [
      "a value that is no number",
      "v.libsvm",
      "1 3:x\n",
      [],
      65,
      /v\.libsvm:1: expected a number .* of feature "3", got "x"/,
    ],
    [
      "a nested value",
      "n.jsonl",
      '{"click":1,"a":[{"b":2}]}\n',
      [],
      65,
      /n\.jsonl:1: column 'a': .*--ignore/,
    ],
    ["no Parquet", "p.parquet", "PAR1", [], 65, /p\.parquet: the file is damaged/],
    ["another form", "x.csv", "a,b\n1,2\n", ["--input-format", "jsonl"], 65, /x\.csv:1: expected an object/],
    [
      "an unknown form",
      "x.csv",
      "a,b\n1,2\n",
      ["--input-format", "xml"],
      64,
      /csv, jsonl, parquet, libsvm, libffm/,
    ],
    ["Parquet from a pipe", "-", "", ["--input-format", "parquet"], 64, /name a file/],
    ["a pattern without a match", "none-*.csv", undefined, [], 66, /matches no file/],
  ])("%s", async (_, name, content, args, code, message) => {
    const log = name === "-" ? name : at(name);
    if (name !== "-" && content !== undefined) written(name, content);
    const finished = await embed(["train-fm", log, ...args, "-o", at("never")]);
    expect(finished.stderr).toMatch(message);
    expect(finished.code).toBe(code);
  });

  test("but nested values of an ignored column", async () => {
    const lines = Array.from(
      { length: 40 },
      (_, i) => `{"click":${i % 2},"user_id":"u${i % 3}","raw":{"a":[${i}]}}`,
    );
    await embedOk(argv`train-fm ${written("i.jsonl", lines.join("\n"))} --ignore raw -o ${at("ignored")}
        --epochs 1`);
  });

  test("and two forms in one log", async () => {
    const finished = await embed(["inspect", written("m.csv", "a\n1\n"), written("m.jsonl", '{"a":1}\n')]);
    expect([finished.code, finished.stderr]).toEqual([
      64,
      expect.stringContaining("all files of a log must have the same format: '"),
    ]);
  });
});
