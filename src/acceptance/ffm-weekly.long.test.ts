// Weekly trainings of a field-aware factorization machine with `--init`, where each row has a vector for every partner
// field, and with all options that affect them.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const DIM = 2;
const FIELDS = ["user", "item", "shop"];

/** Writes a week's events of users and items with the given further columns. */
function writeLog(name: string, week: number, items: readonly string[], columns: readonly string[]): string {
  const lines = Array.from({ length: 90 }, (_, i) => {
    const cells: Record<string, string> = {
      label: String((i * 7 + week) % 3 === 0 ? 1 : 0),
      user: `u${i % 4}`,
      item: items[(i * 5) % items.length]!,
      shop: `s${i % 3}`,
      device: i % 2 ? "phone" : "desk",
      time: String((11_600 + 7 * week) * 86_400 + i * 3600),
    };
    return columns.map((column) => cells[column]).join(",");
  });
  writeFileSync(at(name), [columns.join(","), ...lines].join("\n"));
  return at(name);
}
const columns = ["label", ...FIELDS, "time"];
const first = writeLog("week-1.csv", 1, ["apple", "berry", "cherry"], columns);
const second = writeLog("week-2.csv", 2, ["cherry", "date", "apple"], columns);
const wider = writeLog("wider.csv", 2, ["cherry", "date", "apple"], [...columns, "device"]);
const narrower = writeLog(
  "narrower.csv",
  2,
  ["cherry", "date", "apple"],
  columns.filter((name) => name !== "shop"),
);

const ffm = ["--model", "ffm", "--epochs", "2"];
const train = (log: string, run: string, ...options: string[]) =>
  embedOk(["train-fm", log, "-o", at(run), ...ffm, ...options]);

type Rows = Map<string, Record<string, unknown>>;
const read = new Map<string, Rows>();

/** Returns the weight and the vectors of each row, by field and key. */
async function rowsOf(run: string): Promise<Rows> {
  const known = read.get(run) ?? (await readRows(run));
  read.set(run, known);
  return known;
}
async function readRows(run: string): Promise<Rows> {
  const { stdout } = await embedOk(argv`export ${at(run)} --compose none --format jsonl --with-weight`);
  const layout = readFileSync(join(at(run), "model", "ffm.json"), "utf8");
  const { fields, dim } = parseJson<{ fields: string[]; dim: number }>(layout);
  return new Map(
    parseJsonLines(stdout).map(({ field, key, weight, vector }) => {
      const blocks = fields.map((name, b) => [name, vector.slice(b * dim, (b + 1) * dim)]);
      return [`${field}:${key}`, { weight, ...Object.fromEntries(blocks) }];
    }),
  );
}

beforeAll(() => train(first, "one", "--dim", String(DIM)));

test("keys go on with their vectors; a key that the log lacks keeps every bit; dim and fields are the run's", async () => {
  const reported = await train(second, "two", "--init", at("one"));
  expect(reported.stderr).toMatch(/warm start from .*: 10 keys kept \(1 not in this log\), 1 new, 0 expired/);
  const [before, after] = [await rowsOf("one"), await rowsOf("two")];
  expect(after.get("item:berry")).toEqual(before.get("item:berry"));
  expect(after.get("item:berry")!["user"]).toHaveLength(DIM);
  expect(after.get("item:apple")).not.toEqual(before.get("item:apple"));
  // trains with --expire, so that berry, which the second log lacks, is removed
  await train(second, "lost", "--init", at("two"), "--expire", "1");
  expect([...(await rowsOf("lost")).keys()].sort()).not.toContain("item:berry");
});

test("a new field gives every row a vector for it, and leaves the others where they were", async () => {
  // trains with a very small learning rate, so that parameters keep their initial values
  const still = ["--init", at("one"), "--learning-rate", "0.000001", "--epochs", "1"];
  const reported = await train(wider, "wider", ...still);
  expect(reported.stderr).toMatch(/field 'device' is not in run '.*': every row gets a new vector for it/);
  const [before, after] = [await rowsOf("one"), await rowsOf("wider")];
  const near = (a: unknown, b: unknown) =>
    (a as number[]).every((x, i) => Math.abs(x - (b as number[])[i]!) < 1e-4);
  for (const [key, row] of before) {
    for (const field of FIELDS)
      expect([key, field, near(row[field], after.get(key)![field])]).toEqual([key, field, true]);
  }
  const isZero = (x: unknown) => (x as number[]).every((v) => v === 0);
  // features that do not occur in this log, such as berry, get no vector for the new field
  expect(isZero(after.get("item:apple")!["device"])).toBe(false);
  expect(isZero(after.get("item:berry")!["device"])).toBe(true);
});

test("a field that the log lacks goes with its rows and its vectors, and the rest goes on", async () => {
  const still = ["--init", at("one"), "--learning-rate", "0.000001", "--epochs", "1"];
  const reported = await train(narrower, "narrower", ...still);
  expect(reported.stderr).toMatch(/field 'shop' of run .* is not in this log: its rows are dropped/);
  const [before, after] = [await rowsOf("one"), await rowsOf("narrower")];
  const { shop: _, ...berry } = before.get("item:berry")!;
  expect(after.get("item:berry")).toEqual(berry);
});

test.each(["adagrad", "adam"])(
  "--freeze known by %s keeps old rows bit for bit and fits new ones",
  async (method) => {
    const frozen = ["--init", at("one"), "--freeze", "known", "--method", method];
    await train(second, `frozen-${method}`, ...frozen);
    await train(second, `again-${method}`, ...frozen, "--epochs", "3");
    const [before, after, more] = [
      await rowsOf("one"),
      await rowsOf(`frozen-${method}`),
      await rowsOf(`again-${method}`),
    ];
    for (const [key, row] of before) expect([key, after.get(key)]).toEqual([key, row]);
    expect(more.get("item:date")).not.toEqual(after.get("item:date"));
  },
);

test.each(["adagrad", "adam"])(
  "--keep-state by %s: two trainings of one epoch are one of two, to the byte",
  async (method) => {
    const options = ["--no-shuffle", "--method", method, "--dim", "6"];
    const table = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
    await train(first, `both-${method}`, ...options);
    await train(first, `half-${method}`, ...options, "--epochs", "1", "--keep-state");
    await train(first, `whole-${method}`, ...options, "--epochs", "1", "--init", at(`half-${method}`));
    expect(table(`whole-${method}`).equals(table(`both-${method}`))).toBe(true);
  },
);

test("what cannot be gone on from is refused with 64 and says why", async () => {
  await train(first, "fm", "--model", "fm");
  await train(first, "normalized", "--normalize-rows");
  const refused = async (log: string, ...options: string[]) => {
    const { code, stderr } = await embed(["train-fm", log, "-o", at("none"), ...ffm, ...options]);
    return [code, stderr];
  };
  for (const [options, message] of [
    [[second, "--init", at("fm")], /holds a 'fm' model, but a 'ffm' model is needed/],
    [[second, "--init", at("one"), "--dim", "8"], /dim 2, but --dim is 8/],
    [[second, "--init", at("one"), "--normalize-rows"], /trained without --normalize-rows/],
    [
      [wider, "--init", at("one"), "--freeze", "known"],
      /--freeze known cannot add field 'device', .*--ignore device/,
    ],
  ] as const) {
    expect(await refused(options[0], ...options.slice(1))).toEqual([64, expect.stringMatching(message)]);
  }
  // the second training also normalizes rows, because the run from which it starts did
  await train(second, "normalized-2", "--init", at("normalized"));
  const manifest = readFileSync(join(at("normalized-2"), "manifest.json"), "utf8");
  expect(parseJson<{ options: object }>(manifest).options).toMatchObject({ normalizeRows: true });
});

test("--search tunes short vectors, and --refit trains the chosen one on all rows", async () => {
  const clicks = fixture("clicks.csv");
  const options = ["--valid", "0.2", "--search", "3", "--refit", "--metric", "auc", "--json"];
  const { stdout } = await embedOk(["train-fm", clicks, "-o", at("searched"), ...ffm, ...options]);
  const { search } = parseJson<{ search: { dim: number; value: number }[] }>(stdout);
  expect(search).toHaveLength(3);
  for (const { dim, value } of search) expect([2, 4, 8, 16].includes(dim) && value > 0.5).toBe(true);
  const manifest = readFileSync(join(at("searched"), "manifest.json"), "utf8");
  expect(parseJson<{ refit: { rows: number } }>(manifest).refit.rows).toBe(12_000);
});
