// The same log in every format gives the same table; and keys are text, whatever they look like.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { embedOk, shell, temporaryFolder, type Running } from "../testing/embed.js";
import { parseDelimited } from "../testing/exported.js";
import { fixture } from "../testing/places.js";
import { jsonLines } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

function written(name: string, content: string | Buffer): string {
  writeFileSync(at(name), content);
  return at(name);
}

/** Quotes a cell as RFC 4180 does. */
function quote(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

async function tableOf(name: string, logs: string[], running: Running = {}): Promise<Buffer> {
  await embedOk(["train-fm", ...logs, "-o", at(name), "--epochs", "2"], running);
  return readFileSync(join(at(name), "embeddings.arrow"));
}

describe("the clicks give the same embeddings.arrow", () => {
  const text = readFileSync(fixture("clicks.csv"), "utf8");
  const [header, ...lines] = text.trimEnd().split("\n");
  let expected: Buffer;
  beforeAll(async () => {
    expected = await tableOf("plain", [fixture("clicks.csv")]);
  });

  test("from standard input", async () => {
    expect((await tableOf("stdin", ["-"], { input: text })).equals(expected)).toBe(true);
  });

  test("from a pipe", async () => {
    const got = await shell(
      `cat '${fixture("clicks.csv")}' | embed train-fm - -o '${at("pipe")}' --epochs 2`,
    );
    expect(got.code).toBe(0);
    expect(readFileSync(join(at("pipe"), "embeddings.arrow")).equals(expected)).toBe(true);
  });

  test("from a gzip file, and from one of several members", async () => {
    const half = text.length >> 1;
    const members = Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]);
    expect((await tableOf("gz", [written("c.csv.gz", gzipSync(text))])).equals(expected)).toBe(true);
    expect((await tableOf("gz2", [written("d.csv.gz", members)])).equals(expected)).toBe(true);
  });

  test("from several files, each with the header", async () => {
    const parts = [lines.slice(0, 5000), lines.slice(5000, 5001), lines.slice(5001)].map((part, i) =>
      written(`part-${i}.csv`, `${header}\n${part.join("\n")}\n`),
    );
    expect((await tableOf("parts", parts)).equals(expected)).toBe(true);
  });

  test("with a byte-order mark, with CRLF, and without a last line end", async () => {
    expect((await tableOf("bom", [written("bom.csv", `\ufeff${text}`)])).equals(expected)).toBe(true);
    const crlf = text.replaceAll("\n", "\r\n");
    expect((await tableOf("crlf", [written("crlf.csv", crlf)])).equals(expected)).toBe(true);
    expect((await tableOf("no-end", [written("no-end.csv", text.trimEnd())])).equals(expected)).toBe(true);
  });

  test("as tab-separated values, and with every cell quoted", async () => {
    const tsv = text.replaceAll(",", "\t");
    expect((await tableOf("tsv", [written("clicks.tsv", tsv)])).equals(expected)).toBe(true);
    // an empty cell is missing, quoted or not
    const quoted = text.replace(/[^,\n]+/g, '"$&"');
    expect((await tableOf("quoted", [written("quoted.csv", quoted)])).equals(expected)).toBe(true);
  });
});

describe("keys are text", () => {
  const keys = [
    "__proto__",
    "constructor",
    "toString",
    "007",
    "7",
    "1e3",
    "a b",
    "a,b",
    'say "hi"',
    "two\nlines",
    "three\r\nlines",
    " padded ",
    "🫖",
    "👩‍👩‍👧‍👦",
    "日本語",
    "caf\u00e9",
    "cafe\u0301",
    "x".repeat(200),
    "é".repeat(200),
  ];
  // each key occurs with both labels, so that its vector is trained
  const rows = keys.flatMap((key, i) => [`1,u${i % 3},${quote(key)}`, `0,u${(i + 1) % 3},${quote(key)}`]);
  const log = `click,user_id,item_id\n${rows.join("\n")}\n`;

  test.each(["csv", "tsv", "jsonl"])("and come back from %s exactly as they went in", async (format) => {
    const run = at(`keys-${format}`);
    await embedOk(["train-fm", "-", "-o", run, "--epochs", "1"], { input: log });
    const { stdout } = await embedOk(["export", run, "--format", format, "--field", "item"]);
    const got =
      format === "jsonl"
        ? jsonLines<{ key: string; count: number }>(stdout)
        : parseDelimited(stdout, format === "csv" ? "," : "\t");
    expect(got.map(({ key }) => key).sort()).toEqual([...keys].sort());
    expect(got.every(({ count }) => count === 2)).toBe(true);
  });

  test("that no read boundary cuts: a megabyte of emoji and accents keeps its distinct keys", async () => {
    const items = ["🫖🫖🫖", "ééé", "日本語", "a"];
    const lines = Array.from({ length: 60_000 }, (_, r) => `${r % 2},u${r % 7},${items[r % 4]}`);
    const input = `click,user_id,item_id\n${lines.join("\n")}\n`;
    await embedOk(["train-fm", "-", "-o", at("boundary"), "--epochs", "1"], { input });
    const { stdout } = await embedOk(["export", at("boundary"), "--format", "csv", "--field", "item"]);
    expect(
      parseDelimited(stdout, ",")
        .map(({ key, count }) => `${key} ${count}`)
        .sort(),
    ).toEqual(items.map((item) => `${item} 15000`).sort());
  });
});
