// The towers of train-two-tower as ONNX: onnxruntime-web computes the vectors that transform writes, and ranks as the
// run does.

import { encodeKeys } from "../log/keys.js";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../table/run-directory.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { runOnnx, type Input, type Output } from "../testing/onnx.js";
import { fixture } from "../testing/places.js";
import { capable } from "../trainers/index.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Event {
  user: string;
  item: string;
  brand: string;
  channel: string;
  /** value of the numeric column `spent`; NaN if the cell is missing */
  spent: number;
  price: number;
  time: string;
}

const events = readFileSync(fixture("purchases.csv"), "utf8")
  .trimEnd()
  .split("\n")
  .slice(1)
  .map((line, r): Event => {
    const [user, item, brand, channel, time] = line.split(",");
    const price = Buffer.from(item!).reduce((sum, byte) => sum + byte, 0) % 50;
    const spent = r % 11 === 0 ? NaN : (r * 37) % 100;
    return { user: user!, item: item!, brand: brand!, channel: channel!, spent, price, time: time! };
  });
const writeLog = (name: string, rows: readonly Event[]): void => {
  const cell = (x: number) => (Number.isNaN(x) ? "" : String(x));
  const lines = rows.map(({ user, item, brand, channel, spent, price, time }) =>
    [user, item, brand, channel, cell(spent), cell(price), time].join(","),
  );
  writeFileSync(at(name), `${["user,item,brand,channel,spent,price,time", ...lines].join("\n")}\n`);
};

const trained = events.slice(0, 4000);
/** Events of new users, some with new items, channels and amounts. */
const later = events.slice(4000).map((event, r) => ({
  ...event,
  user: `new-${event.user}`,
  ...(r % 6 === 1 && { item: `unseen-${r % 4}` }),
  channel: r % 7 === 2 ? "" : r % 7 === 3 ? "fair" : event.channel,
}));

beforeAll(() => {
  writeLog("train.csv", trained);
  writeLog("later.csv", later);
});

const byUser = (rows: readonly Event[]): Map<string, Event[]> => {
  const found = new Map<string, Event[]>();
  // the log is ordered by time, so that each user's events are, too
  for (const event of rows) found.set(event.user, [...(found.get(event.user) ?? []), event]);
  return found;
};

/** How histories are given to an input of the user tower: the padding values, and the value of each item. */
interface Cells {
  nothing: readonly (string | number)[];
  of: (item: string) => string | number;
}
const byKey: Cells = { nothing: ["", "nothing"], of: (item) => item };

/** Returns histories as a matrix, with padding before, between and after the items. */
function padded(histories: readonly (readonly string[])[], { nothing, of }: Cells): (string | number)[][] {
  const length = Math.max(...histories.map((items) => items.length)) + nothing.length + 1;
  return histories.map((items, u) => {
    const row = items.map(of);
    row.splice(u % (items.length + 1), 0, ...nothing);
    const rest = Array.from({ length: length - row.length }, () => nothing[0]!);
    return u % 2 === 0 ? [...row, ...rest] : [...rest, ...row];
  });
}

const tensor = (cells: readonly (string | number)[], dims: number[]): Input =>
  typeof cells[0] === "string"
    ? { type: "string", values: cells as string[], dims }
    : { type: "int64", values: cells as number[], dims };
const texts = (values: string[]): Input => ({ type: "string", values });
const floats = (values: number[]): Input => ({ type: "float32", values });

interface Form {
  args: string[];
  /** history inputs of the user tower, by name, with the channel of their events; undefined for all channels */
  histories: Record<string, string | undefined>;
  hasContext?: true;
  hasItemTower?: true;
  isDot?: true;
}
const forms: Record<string, Form> = {
  plain: { args: ["--history", "20", "--user-bias"], histories: { history: undefined } },
  context: {
    args: [
      ..."--history 6 --recency 2 --user-fields channel,spent --user-tower 8,8 --similarity dot".split(" "),
      ..."--example-age --learning-rate 0.05 --history-of".split(" "),
      ...['channel = "store"', "--history-of", 'channel = "app"'],
    ],
    histories: { history_1: "store", history_2: "app" },
    hasContext: true,
    isDot: true,
  },
  others: {
    args: "--history others:12 --user-tower 8 --skip-connection --item-tower 8 --item-fields brand,price".split(
      " ",
    ),
    histories: { history: undefined },
    hasItemTower: true,
  },
  sides: {
    args: "--history 20 --item-tower 8 --item-fields brand,price --similarity dot --learning-rate 0.05".split(
      " ",
    ),
    histories: { history: undefined },
    hasItemTower: true,
    isDot: true,
  },
};

const small = "--dim 6 --epochs 2 --threads 1 --seed 3 --quiet --numeric spent,price".split(" ");

beforeAll(async () => {
  for (const [run, { args }] of Object.entries(forms))
    await embedOk(["train-two-tower", at("train.csv"), "-o", at(run), ...small, ...args]);
});

async function exported(run: string, name: string, ...args: string[]): Promise<string> {
  await embedOk(["export", at(run), "--format", "onnx", "-o", at(name), "--force", ...args]);
  return at(name);
}

/** Returns vectors by key from a command's JSON lines. @param key name of the member with the key */
async function vectorsOf(key: string, ...args: string[]): Promise<Map<string, number[]>> {
  const { stdout } = await embedOk([...args, "--format", "jsonl"]);
  const lines = stdout.trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const row = parseJson<Record<string, string> & { vector: number[] }>(line);
      return [row[key]!, row.vector];
    }),
  );
}

const rowsOf = ({ dims, values }: Output): number[][] =>
  Array.from({ length: dims[0]! }, (_, r) => values.slice(r * dims[1]!, (r + 1) * dims[1]!));

type Rows = readonly (readonly number[])[];
const largestDifference = (a: Rows, b: Rows): number =>
  Math.max(...a.flatMap((row, r) => row.map((x, d) => Math.abs(x - b[r]![d]!))));

/** Returns the inputs of the user tower for users. */
function feedsOf(
  users: readonly (readonly Event[])[],
  { histories, hasContext }: Form,
  cells = byKey,
): Record<string, Input> {
  const last = users.map((own) => own.at(-1)!);
  const lists = Object.entries(histories).map(([name, from]) => {
    const own = users.map((all) => all.filter(({ channel }) => from === undefined || channel === from));
    const rows = padded(
      own.map((all) => all.map(({ item }) => item)),
      cells,
    );
    return [name, tensor(rows.flat(), [rows.length, rows[0]!.length])] as const;
  });
  return {
    ...Object.fromEntries(lists),
    ...(hasContext && {
      channel: texts(last.map(({ channel }) => channel)),
      spent: floats(last.map(({ spent }) => spent)),
    }),
  };
}

/** One event of each item of the training. */
const catalogue = [...new Map(trained.map((event) => [event.item, event])).values()];
const itemFeeds = (items: readonly Pick<Event, "item" | "brand" | "price">[]): Record<string, Input> => ({
  item: texts(items.map(({ item }) => item)),
  brand: texts(items.map(({ brand }) => brand)),
  price: floats(items.map(({ price }) => price)),
});

/** Returns the vectors of all items from the item model. */
async function itemsOf(
  run: string,
  { hasItemTower, isDot }: Form,
): Promise<{ items: Rows; biases: number[] }> {
  if (hasItemTower) {
    const found = await runOnnx(
      await exported(run, `${run}-item.onnx`, "--onnx-part", "item"),
      itemFeeds(catalogue),
    );
    return { items: rowsOf(found["vector"]!), biases: found["bias"]?.values ?? [] };
  }
  const asked = ["--onnx-part", "table", "--field", "item", ...(isDot ? ["--with-weight"] : [])];
  const found = await runOnnx(await exported(run, `${run}-item.onnx`, ...asked), {
    item: texts(catalogue.map(({ item }) => item)),
  });
  return { items: rowsOf(found["item_vector"]!), biases: found["item_weight"]?.values ?? [] };
}

describe.each(Object.entries(forms))("%s", (run, form) => {
  test("users of the log have the vectors of the table, and new ones those of transform --fold-in, to 1e-5", async () => {
    const model = await exported(run, `${run}-user.onnx`);
    const table = await vectorsOf("key", "export", at(run), "--field", "user");
    const folded = await vectorsOf("user", "transform", at(run), "--fold-in", at("later.csv"));
    for (const [log, expected] of [
      [trained, table],
      [later, folded],
    ] as const) {
      const users = [...byUser(log)].filter(([user]) => expected.has(user));
      expect(users.length).toBeGreaterThan(140);
      const { vector } = await runOnnx(
        model,
        feedsOf(
          users.map(([, own]) => own),
          form,
        ),
      );
      expect(vector!.dims).toEqual([users.length, 6]);
      const wanted = users.map(([user]) => expected.get(user)!);
      expect(largestDifference(rowsOf(vector!), wanted)).toBeLessThan(1e-5);
      // the users' vectors differ
      expect(largestDifference(wanted, [...wanted.slice(1), wanted[0]!])).toBeGreaterThan(0.1);
    }
  });

  test("inner products and biases are the run's scores to 1e-5, with the same ten best items", async () => {
    const users = [...byUser(trained)].slice(0, 40);
    const { vector } = await runOnnx(
      await exported(run, `${run}-user.onnx`, "--onnx-part", "user"),
      feedsOf(
        users.map(([, own]) => own),
        form,
      ),
    );
    const { items, biases } = await itemsOf(run, form);
    expect(biases.some((b) => Math.abs(b) > 1e-3)).toBe(form.isDot ?? false);
    const scores = rowsOf(vector!).map((u) =>
      items.map((v, i) => v.reduce((sum, x, d) => sum + x * u[d]!, biases[i] ?? 0)),
    );
    const opened = await openRun(at(run));
    const rank = await capable(opened, "rank", "cannot rank");
    const keys = catalogue.map(({ item }) => item);
    const training = { users: encodeKeys(users.map(([user]) => user)), items: encodeKeys(keys) };
    const rankerFor = await rank(opened, training);
    const ranker = await rankerFor({ users: Uint32Array.from(users.keys()) });
    const every = {
      indptr: Uint32Array.from({ length: users.length + 1 }, (_, u) => u * keys.length),
      items: Uint32Array.from({ length: users.length * keys.length }, (_, i) => i % keys.length),
    };
    const own = await ranker.score(every, { threads: 1 });
    expect(largestDifference([scores.flat()], [Array.from(own)])).toBeLessThan(1e-5);
    const none = { indptr: new Uint32Array(users.length + 1), items: new Uint32Array() };
    const { items: best } = await ranker.top(none, 10, { threads: 1 });
    const bestBy = scores.map((all) => [...all.keys()].sort((a, b) => all[b]! - all[a]!).slice(0, 10));
    expect(bestBy.flat()).toEqual(Array.from(best));
  });
});

test.each(["others", "sides"])("%s: items by their columns have the vectors of transform", async (run) => {
  const items = [
    ...catalogue,
    ...catalogue.slice(0, 20).map((event, i) => ({ ...event, item: `unseen-${i}` })),
    ...catalogue.slice(20, 30).map((event, i) => ({ ...event, item: `bare-${i}`, brand: "", price: NaN })),
    ...catalogue.slice(30, 40).map((event, i) => ({ ...event, item: `odd-${i}`, brand: "no brand" })),
  ];
  const lines = items.map(({ item, brand, price }) => `${item},${brand},${Number.isNaN(price) ? "" : price}`);
  writeFileSync(at("items.csv"), `${["item,brand,price", ...lines].join("\n")}\n`);
  const expected = await vectorsOf("item", "transform", at(run), at("items.csv"), "--key", "item");
  const { vector } = await runOnnx(
    await exported(run, `${run}-item.onnx`, "--onnx-part", "item"),
    itemFeeds(items),
  );
  const wanted = items.map(({ item }) => expected.get(item)!);
  expect(largestDifference(rowsOf(vector!), wanted)).toBeLessThan(1e-5);
});

test.each(Object.keys(forms))("%s: users without a history, and a history without places", async (run) => {
  const form = forms[run]!;
  const model = await exported(run, `${run}-user.onnx`);
  const context = form.hasContext && { channel: texts(["", ""]), spent: floats([NaN, NaN]) };
  const vectors = await Promise.all(
    [0, 1, 3].map(async (length) => {
      const cells = tensor(["", "nothing", "", "", "", ""].slice(0, 2 * length), [2, length]);
      const lists = Object.keys(form.histories).map((name) => [
        name,
        length === 0 ? { type: "string" as const, values: [], dims: [2, 0] } : cells,
      ]);
      return rowsOf((await runOnnx(model, { ...Object.fromEntries(lists), ...context })).vector!);
    }),
  );
  const [first] = vectors;
  expect(
    largestDifference(
      vectors.flat(),
      vectors.flatMap(() => [first![0]!, first![0]!]),
    ),
  ).toBe(0);
  // a history of padding alone gives a zero vector, unless the model adds layers or a bias
  expect(first![0]!.some((x) => x !== 0)).toBe(
    form.args.some((arg) => ["--user-tower", "--user-bias"].includes(arg)),
  );
});

test.each([
  ["context", "keras", 0, 1, 2],
  ["context", "pytorch", 1, 0, 2],
  ["others", "fuxictr", 0, undefined, 1],
] as const)(
  "%s: rows in place of keys as %s reserves them, and negative ones",
  async (run, scheme, padding, unknown, first) => {
    const form = forms[run]!;
    const byRow = ["--onnx-input", "row", "--reserve", scheme];
    const numbers = async (field: string) => {
      const keys = [...(await vectorsOf("key", "export", at(run), "--field", field)).keys()];
      return (key: string): number =>
        key === ""
          ? padding
          : keys.includes(key)
            ? first + keys.indexOf(key)
            : (unknown ?? first + keys.length);
    };
    const rowOf = await numbers("item");
    const users = [...byUser(later)].map(([, own]) => own);
    const cells = { nothing: [-1, padding, rowOf("nothing")], of: rowOf };
    const feeds = feedsOf(users, form, cells);
    if (form.hasContext) {
      const channelOf = await numbers("channel");
      feeds["channel"] = { type: "int64", values: users.map((own) => channelOf(own.at(-1)!.channel)) };
    }
    const { vector } = await runOnnx(await exported(run, `${run}-row.onnx`, ...byRow), feeds);
    const byKeys = await runOnnx(await exported(run, `${run}-user.onnx`), feedsOf(users, form));
    expect(largestDifference(rowsOf(vector!), rowsOf(byKeys["vector"]!))).toBeLessThan(1e-6);
  },
);

test("what the export is not asked for, or does not have, is refused with 64 and a way out", async () => {
  const failure = async (...args: string[]): Promise<[number | null, string]> => {
    const { code, stderr } = await embed(["export", ...args, "--format", "onnx", "-o", at("no.onnx")]);
    return [code, stderr];
  };
  const refused = (text: string) => [64, expect.stringContaining(text)];
  expect(await failure(at("plain"), "--onnx-part", "item")).toEqual(refused("--onnx-part table"));
  expect(await failure(at("context"), "--onnx-part", "item")).toEqual(refused("--with-weight"));
  expect(await failure(at("plain"), "--onnx-part", "network")).toEqual(refused("--onnx-part user or item"));
  expect(await failure(at("plain"), "--onnx-part", "user", "--table", "history")).toEqual(refused("--table"));
  expect(await failure(at("plain"), "--normalize", "l2")).toEqual(refused("--normalize"));
  await embedOk(argv`train-pca ${at("train.csv")} -o ${at("pca")} --quiet --user user --item item`);
  expect(await failure(at("pca"), "--onnx-part", "user")).toEqual(refused("use a run of train-two-tower"));
  await embedOk([
    ...["train-two-tower", at("train.csv"), "-o", at("hash"), ...small, "--hash", "channel:2"],
    ...["--user-fields", "channel"],
  ]);
  expect(await failure(at("hash"))).toEqual(refused("--onnx-input row"));
  writeFileSync(at("renamed.csv"), readFileSync(at("train.csv"), "utf8").replace("channel", "history"));
  await embedOk([
    ...["train-two-tower", at("renamed.csv"), "-o", at("renamed"), ...small, "--user-fields", "history"],
  ]);
  expect(await failure(at("renamed"))).toEqual(refused("rename the column"));
});

test("stderr says what the inputs are; --field and --table give the tables", async () => {
  const out = ["--format", "onnx", "-o", at("said.onnx"), "--force"];
  const { stderr } = await embedOk(["export", at("context"), ...out]);
  expect(stderr).toContain(
    "history_1 (items of 'item' in the order of their events, the newest last: events with channel = \"store\")",
  );
  expect(readFileSync(at("said.onnx")).includes('events with channel = "app"')).toBe(true);
  await embedOk(["export", at("context"), ...out, "--table", "history"]);
  const { item_vector } = await runOnnx(at("said.onnx"), { item: texts([catalogue[0]!.item]) });
  expect(item_vector!.dims).toEqual([1, 6]);
});

test("the same run gives the same bytes", async () => {
  const first = readFileSync(await exported("others", "first.onnx"));
  expect(readFileSync(await exported("others", "second.onnx")).equals(first)).toBe(true);
});
