// Keys that some format cannot represent, zero vectors and name collisions, in every format: each key is exact, is
// replaced by the rule in the help, or is rejected with a message that names it and says what to try.

import { encodeKeys } from "../log/keys.js";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportRun, keyRules } from "../use/export/export.js";
import { writeRun } from "../table/run-directory.js";
import { tableRows } from "../table/rows.js";
import type { EmbeddingTable } from "../table/table.js";
import { exportDirectory } from "../export/export-table.js";
import { exportFormats } from "../export/formats.js";
import { embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { exportReaders, type ReadRow } from "../testing/export-readers.js";
import { projectFolder } from "../testing/places.js";
import { importedManifest } from "../testing/small-run.js";

const folder = temporaryFolder();
const formats = [...exportFormats.keys()];

const WORDS = ["word2vec", "word2vec-bin", "fasttext-vec", "glove"];
/** Prefix of keys in formats for servers, which store other keys next to them. */
const PREFIX = "items";
const CELLS = ["recbole", "projector", "faiss", "usearch", "starspace-tsv"];
const [STARSPACE, RECBOLE] = ["starspace-tsv", "recbole"];

/**
 * Special keys. For each list of formats that change the key: the key in the exported file, or undefined if these
 * formats reject it.
 */
const special: [key: string, elsewhere: [formats: string[], becomes: string | undefined][]][] = [
  ["a blank", [[[...WORDS, STARSPACE], "a_blank"]]],
  [" around ", [[[...WORDS, STARSPACE], "_around_"]]],
  ["a\ttab", [[[...WORDS, ...CELLS], "a_tab"]]],
  ["a\nline", [[[...WORDS, ...CELLS], "a_line"]]],
  ["a\rreturn", [[[...WORDS, ...CELLS], "a_return"]]],
  ["both\r\nends", [[[...WORDS, ...CELLS], "both__ends"]]],
  ["next\u0085line", [[WORDS, "next_line"]]],
  ["line\u2028separator", [[WORDS, "line_separator"]]],
  ["no\u00a0break", [[WORDS, "no_break"]]],
  ["\ufeffmark", [[WORDS, "_mark"]]],
  ["unit\u001fseparator", [[WORDS, "unit_separator"]]],
  ["nul\0within", [[["pgvector", "onnx"], undefined]]],
  ["nul at the end\0".replaceAll(" ", "-"), [[["npz", "pgvector", "onnx"], undefined]]],
  ['"quoted', [[[RECBOLE], "_quoted"]]],
  ['"whole"', [[[RECBOLE], '_whole"']]],
  ['in"side', []],
  ["'", []],
  ["back\\slash", []],
  ["\\.", []],
  ["\\N", []],
  ["a,comma;and|more", []],
  ["fox🦊", []],
  ["e\u0301", []],
  ["é", []],
  ["</s>", []],
  ["#x", []],
  ["__proto__", []],
  ["constructor", []],
  ["0007", []],
  ["7", []],
  ["1e5", []],
  ["true", []],
  ["NaN", [[[RECBOLE], undefined]]],
  ["NULL", [[[RECBOLE], undefined]]],
  ["N/A", [[[RECBOLE], undefined]]],
  ["=1+1", []],
  ["-1", []],
  ["@x", []],
  ["__label__x", []],
  ["item:x", []],
  [":", []],
  ["*3", []],
  ["$3", []],
  ['{"index":{}}', []],
  ["%20", []],
  ["k".repeat(512), []],
  ["l".repeat(1000), [[["elasticsearch-bulk"], undefined]]],
  ["m".repeat(100_000), [[["elasticsearch-bulk"], undefined]]],
];

function becomes(format: string, [key, elsewhere]: (typeof special)[number]): string | undefined {
  const found = elsewhere.find(([of]) => of.includes(format));
  return found ? found[1] : key;
}

/** Creates a table with one field after the other; each row has a distinct vector, and the last one is zero. */
function tableOf(keys: Record<string, string[]>, dim: number): EmbeddingTable {
  const fields = Object.keys(keys);
  const names = Object.values(keys).flat();
  const vectors = Float32Array.from({ length: names.length * dim }, (_, i) => ((i * 7919) % 101) / 4 - 12);
  vectors.fill(0, (names.length - 1) * dim);
  return {
    dim,
    numRows: names.length,
    fields,
    fieldOf: Uint32Array.from(fields.flatMap((field, f) => keys[field]!.map(() => f))),
    keys: encodeKeys(names),
    counts: new Uint32Array(names.length).fill(3),
    weights: new Float32Array(names.length).fill(0.25),
    vectors,
  };
}

const rowsExpected = ({ dim, vectors }: EmbeddingTable, names: readonly string[]): ReadRow[] =>
  names.map((name, row) => ({ name, vector: Array.from(vectors.subarray(row * dim, (row + 1) * dim)) }));

let written = 0;

/** Exports a table as a user exports a run, and reads it back. */
async function exported(
  table: EmbeddingTable,
  format: string,
  { field, strict = false }: { field?: string; strict?: boolean } = {},
): Promise<{ read: () => Promise<ReadRow[]>; reported: string }> {
  const [run, path] = [`run-${++written}`, `out-${written}`].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  const reported: string[] = [];
  if (format === "fnn") {
    const options = { format, withWeight: false, strict, model: { w0: 0, dim: table.dim } };
    await exportDirectory(tableRows(table), { ...options, field }, path, false);
  } else {
    const tables = { default: table };
    await writeRun(run, false, { tables, manifest: importedManifest, modelFiles: {}, metricsLines: [] });
    const options = { format, withWeight: false, strict, force: false, out: path };
    const { signal } = new AbortController();
    const nowhere = () => Promise.reject(new Error("to a stream"));
    const { needsPrefix } = exportFormats.get(format)!;
    const named = {
      ...options,
      ...(field !== undefined && { field: [field] }),
      ...(needsPrefix && { into: PREFIX }),
    };
    await exportRun(run, named, nowhere, signal, (progress) => {
      if (progress.stage === "note") reported.push(progress.text);
    });
  }
  const of = field ?? table.fields[0]!;
  const keys = special.map(([key]) => key).filter((key) => Buffer.from(table.keys.bytes).includes(key));
  const read = async () => {
    const rows = await exportReaders[format]!(path, {
      field: of,
      keys,
      dim: table.dim,
      vectors: Array.from(table.vectors),
    });
    if (!exportFormats.get(format)!.needsPrefix) return rows;
    expect(rows.filter(({ name }) => !name.startsWith(`${PREFIX}:`))).toEqual([]);
    return rows.map((row) => ({ ...row, name: row.name.slice(PREFIX.length + 1) }));
  };
  return { read, reported: reported.join("\n") };
}

const refusal = async (promise: Promise<unknown>): Promise<[code: number, message: string]> =>
  await promise.then(
    () => [0, "nothing was refused"],
    (error: { exitCode?: number; message: string }) => [error.exitCode ?? 70, error.message],
  );

const canRead = async (format: string): Promise<boolean> =>
  format !== "usearch" || (await import("usearch").then(() => true).catch(() => false));

describe.each(formats)("%s", (format) => {
  const { oneKeyColumn } = exportFormats.get(format)!;
  const replaces = WORDS.includes(format) || CELLS.includes(format);
  const held = special.filter((one) => becomes(format, one) !== undefined);
  let isThere = true;
  beforeAll(async () => {
    isThere = await canRead(format);
    if (!isThere) console.warn(`${format} skipped: its package is not installed`);
  });

  test("gives keys back exactly, or with _ by its rule, and their vectors, a zero one too", async () => {
    if (!isThere) return;
    const table = tableOf({ item: held.map(([key]) => key) }, 3);
    const { read, reported } = await exported(table, format, { field: "item" });
    // the reader of an ONNX export looks up each of these names
    const names = held.map((one) => becomes(format, one)!);
    expect(await read()).toEqual(rowsExpected(table, names));
    if (format !== "fnn") expect(reported).toContain("1 rows are zero vectors");
  });

  test("refuses what it cannot hold with the key and what to try", async () => {
    if (!isThere) return;
    for (const [key] of special.filter((one) => becomes(format, one) === undefined)) {
      const [code, message] = await refusal(
        exported(tableOf({ item: ["a", key] }, 2), format, { field: "item" }),
      );
      expect(code).toBe(65);
      expect(message).toContain(JSON.stringify(key).slice(1, 60).replace(/"$/, ""));
      expect(message).toMatch(/--keys/);
    }
  });

  test("takes a table of one row and one dimension", async () => {
    if (!isThere) return;
    const table = tableOf({ item: ["7"] }, 1);
    // the vector of the only row must not be zero, because a zero vector has no neighbors
    table.vectors[0] = 3;
    const { read } = await exported(table, format, { field: "item" });
    expect(await read()).toEqual([{ name: "7", vector: [3] }]);
  });

  test("keeps a key of two fields apart", async () => {
    if (!isThere) return;
    const table = tableOf({ user: ["7", "a"], item: ["7", "a"] }, 2);
    if (format === "onnx" || format === "fnn") return;
    const { read } = await exported(table, format);
    const named = ["user:7", "user:a", "item:7", "item:a"];
    expect(await read()).toEqual(rowsExpected(table, oneKeyColumn ? named : ["7", "a", "7", "a"]));
  });

  test("refuses field:key that would stand for two rows", async () => {
    if (!isThere) return;
    const got = await refusal(exported(tableOf({ a: ["b:c", "x"], "a:b": ["c", "y"] }, 2), format));
    if (oneKeyColumn || format === "projector")
      expect(got).toEqual([65, expect.stringMatching(/"a:b:c".*(--field|csv)/)]);
    else expect(got[0]).toBe(0);
  });

  test("refuses what becomes alike, and under --strict whatever would change", async () => {
    if (!isThere) return;
    const alike = tableOf({ item: ["a\tb", "a_b"] }, 2);
    const changed = tableOf({ item: ["a\tb"] }, 2);
    const [met, strict] = [
      await refusal(exported(alike, format, { field: "item" })),
      // libsvm is not tested with --strict, the flag that rejects changed keys, because its rows have no keys
      format === "libsvm" ? [0] : await refusal(exported(changed, format, { field: "item", strict: true })),
    ];
    if (!replaces) expect([met[0], strict[0]]).toEqual([0, 0]);
    else {
      expect(met).toEqual([65, expect.stringMatching(/"a_b".*csv/)]);
      expect(strict).toEqual([65, expect.stringMatching(/"a\\tb".*--strict/)]);
    }
  });

  test("refuses a key that is no UTF-8", async () => {
    if (!isThere) return;
    const table = tableOf({ item: ["ab", "cd"] }, 2);
    table.keys.bytes.set([0xc3, 0x28], 2);
    const [code, message] = await refusal(exported(table, format, { field: "item" }));
    expect([code, message]).toEqual([82, expect.stringContaining("UTF-8")]);
    // sets the end of the first key into the middle of a character of two bytes
    const cut = tableOf({ item: ["a\u00c3", "b"] }, 2);
    cut.keys.offsets.set([2], 1);
    expect((await refusal(exported(cut, format, { field: "item" })))[0]).toBe(82);
  });
});

test("a numeric field's row, whose key is empty, is called like the field where a name is needed", async () => {
  const table = tableOf({ price: [""] }, 2);
  const named = [...WORDS, "recbole", "starspace-tsv", "projector", "faiss", "redis", "elasticsearch-bulk"];
  for (const format of formats) {
    // an exported ONNX model cannot look up the empty key
    if (format === "onnx" || !(await canRead(format))) continue;
    const rows = await (await exported(table, format, { field: "price" })).read();
    const isNamed = named.includes(format) || format === "usearch";
    expect([format, rows.map(({ name }) => name)]).toEqual([format, [isNamed ? "price" : ""]]);
  }
});

test("the help and docs/formats.md state every format's rule, and every format that changes or refuses a key has one", async () => {
  const help = (await embedOk(["export", "--help"])).stdout;
  const page = readFileSync(join(projectFolder, "docs", "formats.md"), "utf8");
  // removes the blanks with which cells of a Markdown table are padded
  const cellsOf = (line: string): string[] => line.split("|").map((cell) => cell.trim());
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  for (const [names, summary] of keyRules) {
    expect(help).toContain(`  ${names.join(", ")}:\n    ${summary}\n`);
    const quoted = names.map((name) => `\`${name}\``).join(", ");
    expect(rows.map(cellsOf)).toContainEqual(["", quoted, summary, ""]);
  }
  const changing = formats.filter((format) => special.some((one) => becomes(format, one) !== one[0]));
  expect(keyRules.flatMap(([names]) => names).sort()).toEqual(changing.sort());
});

test("a key's escape sequence is shown as text on a terminal, and is written to a pipe unchanged", async () => {
  const log = join(folder, "escapes.csv");
  writeFileSync(log, "user,item,label\nu,\u001b[31mred,1\nv,blue,0\n");
  await embedOk(["train-fm", log, "-o", join(folder, "escapes"), "--epochs", "1", "--quiet"]);
  const line = "embed export escapes --format csv --quiet";
  expect((await shell(line, { cwd: folder })).stdout).toContain("item,\u001b[31mred,");
  // script(1) runs a program on a terminal of its own
  const command =
    'script -qec "\\"$EMBED_NODE\\" \\"$EMBED_PROGRAM\\" export escapes --format csv --quiet" /dev/null';
  const { code, stdout } = await shell(command, { cwd: folder });
  if (code === 127) return console.log("skipped: needs script(1)");
  expect(stdout).toContain("item,\\u001b[31mred,");
  expect(stdout).not.toContain("\u001b[31m");
});
