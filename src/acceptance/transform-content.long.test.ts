// `embed transform --content`: vectors of new items from columns of a catalogue, and with --append in a copy of the
// run.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited } from "../testing/exported.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { between, integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const put = (name: string, ...lines: string[]) => {
  writeFileSync(at(name), `${lines.join("\n")}\n`);
  return at(name);
};

/** Vectors of four kinds of items. An item's vector is near that of its kind; its price changes the third number. */
const KINDS: Record<string, number[]> = {
  tea: [4, 0, 0, 0],
  coffee: [0, 4, 0, 0],
  mug: [-4, 0, 0, 1],
  spoon: [0, -4, 0, -1],
};
const random = mulberry32(7);
const items = Array.from({ length: 120 }, (_, i) => {
  const kind = Object.keys(KINDS)[i % 4]!;
  const price = 1 + integerBelow(90, random) / 10;
  const vector = KINDS[kind]!.map((x, d) => x + (d === 2 ? price : 0) + between(-0.1, 0.1, random));
  return { key: `i${i}`, kind, price, vector, count: 1 + integerBelow(50, random) };
});
const rowOf = ({ key, kind, price }: { key: string; kind: string; price: number }) =>
  `${key},${kind},${price.toFixed(2)}`;
const fresh = Object.keys(KINDS).map((kind, i) => ({ key: `new-${kind}`, kind, price: 2 + i }));
const HEAD = "sku,kind,price";
const run = at("run");
const catalogue = at("catalogue.csv");

beforeAll(async () => {
  const lines = items.map(({ key, count, vector }) => ["item", key, count, ...vector].join(","));
  const table = put("vectors.csv", "field,key,count,v0,v1,v2,v3", ...lines);
  await embedOk(["import", table, "--format", "csv", "--item", "item", "-o", run, "--quiet"]);
  put("catalogue.csv", HEAD, ...items.map(rowOf), ...fresh.map(rowOf));
});

const transform = (...flags: string[]) => embed(["transform", run, ...flags]);
const content = (...flags: string[]) => transform("--content", catalogue, "--content-key", "sku", ...flags);
interface Row {
  key: string;
  vector: number[];
}
const rowsIn = (csv: string): Row[] =>
  csv
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [key, ...numbers] = line.split(",");
      return { key: key!, vector: numbers.map(Number) };
    });
interface Reported {
  rows: number;
  metrics: { content: Record<string, number> };
  warnings: string[];
}

describe("content that says what vectors are", () => {
  test("puts new items beside their kind, with the price's share, and R² near 1", async () => {
    const { code, stdout, stderr } = await content("-o", at("new.csv"), "--json");
    expect([code, stderr]).toEqual([0, expect.stringContaining("'kind' (categories), 'price' (numbers)")]);
    const { rows, metrics, warnings } = parseJson<Reported>(stdout);
    expect([rows, warnings]).toEqual([4, []]);
    expect(metrics.content["r2"]).toBeGreaterThan(0.97);
    expect(metrics.content["r2:kind"]).toBeGreaterThan(0.5);
    expect(metrics.content["r2:price"]).toBeLessThan(0.5);
    for (const { key, vector } of rowsIn(readFileSync(at("new.csv"), "utf8"))) {
      const { kind, price } = fresh.find((one) => one.key === key)!;
      const expected = KINDS[kind]!.map((x, d) => x + (d === 2 ? price : 0));
      expect(Math.max(...vector.map((x, d) => Math.abs(x - expected[d]!)))).toBeLessThan(0.4);
    }
  });

  test("is asked for some items alone, and the run's own are passed over", async () => {
    const wanted = put("wanted.csv", "sku,stock", "i3,1", "new-mug,4", "new-mug,5");
    const { stdout } = await content(wanted, "--key", "sku");
    expect(rowsIn(stdout).map(({ key }) => key)).toEqual(["new-mug"]);
    expect(stdout).toMatch(/^sku,v0,v1,v2,v3\n/);
  });

  test("is the same at any number of threads", async () => {
    const [one, two] = [await content("--threads", "1"), await content("--threads", "2")];
    expect(one.stdout).toBe(two.stdout);
    expect(one.stdout).toContain("new-tea");
  });

  test("of texts is in their words, and of lists in their values", async () => {
    const text = put(
      "text.csv",
      "sku,about,tags",
      ...items.map(({ key, kind }, i) => `${key},The ${kind.toUpperCase()} no. ${i},${kind}|all`),
      "new-1,a tea!,",
      "new-2,,coffee|all|unheard",
    );
    const flags = argv`--content ${text} --content-key sku --content-text about --content-multi tags:|`;
    const { stdout } = await transform(...flags);
    const [first, second] = rowsIn(stdout);
    expect(first!.vector[0]).toBeGreaterThan(1);
    expect(second!.vector[1]).toBeGreaterThan(1);
  });
});

describe("content that says nothing", () => {
  test("dealt to other items gives every new one the mean, and says so", async () => {
    const kinds = items.map(({ kind, price }) => ({ kind, price }));
    const other = mulberry32(11);
    for (let i = kinds.length - 1; i > 0; i--) {
      const j = integerBelow(i + 1, other);
      [kinds[i], kinds[j]] = [kinds[j]!, kinds[i]!];
    }
    const dealt = items.map(({ key }, i) => rowOf({ key, ...kinds[i]! }));
    const file = put("dealt.csv", HEAD, ...dealt, ...fresh.map(rowOf));
    const { stdout, stderr } = await transform("--content", file, "--content-key", "sku");
    expect(stderr).toContain("content does not predict the vectors");
    const weigh = ({ count }: { count: number }) => count / (count + 1);
    const mass = items.reduce((sum, item) => sum + weigh(item), 0);
    const mean = [0, 1, 2, 3].map(
      (d) => items.reduce((sum, item) => sum + weigh(item) * item.vector[d]!, 0) / mass,
    );
    const made = rowsIn(stdout);
    expect(made).toHaveLength(4);
    for (const { vector } of made)
      expect(Math.max(...vector.map((x, d) => Math.abs(x - mean[d]!)))).toBeLessThan(1e-5);
  });

  test("of a value for each item is left out with a way to take it in", async () => {
    const named = put(
      "named.csv",
      "sku,kind,name",
      ...items.map(({ key, kind }) => `${key},${kind},Name ${key}`),
      "new,tea,Name x",
    );
    const { stderr } = await transform("--content", named, "--content-key", "sku");
    expect(stderr).toContain("'name', which has a different value for nearly every item");
    expect(stderr).toContain("--content-text name");
  });

  test("of lists that are taken for categories is told", async () => {
    const lists = put(
      "lists.csv",
      "sku,tags",
      ...items.map(({ key, kind }, i) => `${key},${kind}|${i % 3}`),
      "new,tea|1",
    );
    const { stderr } = await transform("--content", lists, "--content-key", "sku");
    expect(stderr).toContain("--content-multi 'tags:|'");
  });
});

describe("what a hurried user gets wrong", () => {
  const refused = async (code: number, message: RegExp, ...args: string[]) => {
    const got = await embed(["transform", run, ...args]);
    expect([got.code, got.stdout, got.stderr]).toEqual([code, "", expect.stringMatching(message)]);
  };
  const keys = (of: (key: string) => string) =>
    [...items, ...fresh].map((item) => rowOf({ ...item, key: of(item.key) }));

  test("a catalogue of other keys, or of keys that are written otherwise", async () => {
    const other = put("other.csv", HEAD, ...keys((key) => `sku-${key}`));
    await refused(
      64,
      /none of the 120 items of the run, such as "i\d+", is among the 124/,
      "--content",
      other,
      "--content-key",
      "sku",
    );
    const upper = put("upper.csv", HEAD, ...keys((key) => key.toUpperCase()));
    await refused(
      64,
      /120 differ only in case, spaces or leading zeros/,
      "--content",
      upper,
      "--content-key",
      "sku",
    );
    const half = put("half.csv", HEAD, ...keys((key) => (key < "i5" ? key : ` ${key} `)));
    const { code, stderr } = await transform("--content", half, "--content-key", "sku");
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /of 120 items of the run are not in .* are not used to fit the map; 120 differ only in case/,
      ),
    ]);
  });

  test("a catalogue with an item twice or without key, a number that is none", async () => {
    const twice = put("twice.csv", HEAD, ...items.map(rowOf), "i3,tea,1");
    await refused(
      65,
      /twice\.csv.*122.*a catalogue must have one row per key/s,
      "--content",
      twice,
      "--content-key",
      "sku",
    );
    const odd = put("odd.csv", HEAD, ...items.map(rowOf), "new,tea,cheap");
    await refused(
      65,
      /price.*'cheap'/s,
      "--content",
      odd,
      "--content-key",
      "sku",
      "--content-numeric",
      "price",
    );
  });

  test("columns that are not there, or no content", async () => {
    await refused(
      64,
      /has no column 'item', the item column of the run: .*--content-key.*sku, kind, price/,
      "--content",
      catalogue,
    );
    await refused(
      64,
      /--content-multi names column 'genres'/,
      "--content",
      catalogue,
      "--content-key",
      "sku",
      "--content-multi",
      "genres:|",
    );
    await refused(
      64,
      /'sku', which is the item key/,
      "--content",
      catalogue,
      "--content-key",
      "sku",
      "--content-fields",
      "sku",
    );
    const bare = put("bare.csv", "sku", ...items.map(({ key }) => key), "new");
    await refused(64, /has no content columns/, "--content", bare, "--content-key", "sku");
  });

  test("nothing new, or new items that the catalogue lacks", async () => {
    const known = put("known.csv", HEAD, ...items.map(rowOf));
    await refused(64, /a row for each of the 120 items/, "--content", known, "--content-key", "sku");
    const wanted = put("lost.csv", "sku", "x1", "x2");
    await refused(
      65,
      /none of 2 new items, such as "x1".*repeat --content/,
      wanted,
      "--key",
      "sku",
      "--content",
      catalogue,
      "--content-key",
      "sku",
    );
    const some = put("some.csv", "sku", "x1", "new-tea");
    const { stdout, stderr } = await content(some, "--key", "sku");
    expect(rowsIn(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/1 of 2 new items are not in .*"x1"/);
  });

  test("too few known items", async () => {
    const few = put("few.csv", HEAD, ...items.slice(0, 9).map(rowOf), "new,tea,1");
    await refused(
      64,
      /only 9 items of the run .* needs at least 10/,
      "--content",
      few,
      "--content-key",
      "sku",
    );
  });

  test.each([
    [
      "--content-text without a catalogue",
      ["x.csv", "--content-text", "title"],
      /--content-text needs --content FILE/,
    ],
    ["--append without a catalogue", ["x.csv", "--append", "-o", "y"], /--append .*--content/],
    ["--append to stdout", ["--content", "x.csv", "--append"], /--append needs --out PATH/],
    [
      "--append as jsonl",
      ["--content", "x.csv", "--append", "-o", "y", "--format", "jsonl"],
      /--append needs --format csv, got jsonl/,
    ],
    ["beside --nearest", ["x.csv", "--content", "x.csv", "--nearest", "2", "--distance", "a"], /--nearest/],
    ["of users", ["--content", "x.csv", "--field", "user"], /--field user/],
    ["with --dense", ["--content", "x.csv", "--dense", "2"], /--dense/],
    ["a negative prior", ["--content", "x.csv", "--prior-events", "-1"], /--prior-events/],
  ] as const)("%s is 64", async (_, args, message) => refused(64, message, ...args));

  test("events for a table that folds nothing in are refused before anything is read", async () => {
    await refused(
      64,
      /holds a table \(import\).*--fold-in/s,
      "--content",
      "absent.csv",
      "--fold-in",
      "absent.csv",
    );
  });
});

describe("--append", () => {
  const [more, again] = [at("more"), at("again")];
  beforeAll(async () => {
    await embedOk(["transform", run, "--content", catalogue, "--content-key", "sku", "--append", "-o", more]);
  });

  test("writes a run in which neighbors, exports and diff have the new items", async () => {
    const near = await embedOk(["neighbors", more, "--key", "item:new-tea", "--top", "5", "--json"]);
    const found = parseJson<{ queries: { neighbors: { key: string }[] }[] }>(near.stdout).queries[0]!
      .neighbors;
    expect(found.map(({ key }) => items.find((item) => item.key === key)?.kind ?? key)).toEqual(
      found.map(() => "tea"),
    );
    const exported = parseDelimited((await embedOk(["export", more, "--format", "csv"])).stdout, ",");
    const single = rowsIn((await content()).stdout);
    expect(exported.slice(120).map(({ key, vector, count }) => ({ key, vector, count }))).toEqual(
      single.map(({ key, vector }) => ({ key, vector, count: 0 })),
    );
    expect((await embedOk(["diff", run, more])).stdout).toMatch(/^item +120 +4 +0 /m);
  });

  test("marks them: a table of their own, and what made them in the manifest", async () => {
    const lines = async (table: string) =>
      (await embedOk(["export", more, "--format", "csv", "--table", table])).stdout.trimEnd().split("\n")
        .length - 1;
    expect([await lines("default"), await lines("added")]).toEqual([120, 4]);
    expect(readFileSync(join(more, "embeddings.arrow"))).toEqual(readFileSync(join(run, "embeddings.arrow")));
    const { added } = readJson<{ added: Record<string, unknown> }>(join(more, "manifest.json"));
    expect(added).toMatchObject({
      run,
      field: "item",
      content: 4,
      blend: 0,
      by: { items: 120, priorEvents: 20 },
    });
    expect((added["inputs"] as { path: string }[]).map(({ path }) => path)).toEqual([catalogue]);
  });

  test("takes further items in, replaces what it added before, and refuses to overwrite", async () => {
    const later = put(
      "later.csv",
      HEAD,
      ...items.map(rowOf),
      rowOf({ ...fresh[0]!, kind: "spoon" }),
      "new-5,mug,3",
    );
    await embedOk(argv`transform ${more} --content ${later} --content-key sku --append -o ${again} --quiet`);
    const rows = parseDelimited((await embedOk(["export", again, "--format", "csv"])).stdout, ",");
    const keys = rows.map(({ key }) => key);
    expect(keys.length).toBe(125);
    expect(new Set(keys).size).toBe(125);
    expect(rows.find(({ key }) => key === "new-tea")!.vector[1]).toBeLessThan(-2);
    const taken = await content("--append", "-o", more);
    expect([taken.code, readdirSync(more)]).toEqual([73, expect.arrayContaining(["embeddings.added.arrow"])]);
  });

  test("goes through align and forget", async () => {
    await embedOk(["align", more, "--to", run, "-o", at("aligned"), "--quiet"]);
    const of = async (path: string) =>
      parseDelimited((await embedOk(["export", path, "--format", "csv"])).stdout, ",").map(
        ({ key, vector }) => ({ key, vector }),
      );
    const [before, after] = [await of(more), await of(at("aligned"))];
    expect(after.map(({ key }) => key)).toEqual(before.map(({ key }) => key));
    const gaps = after.flatMap(({ vector }, r) => vector.map((x, d) => Math.abs(x - before[r]!.vector[d]!)));
    expect(Math.max(...gaps)).toBeLessThan(1e-4);
    await embedOk(["forget", at("aligned"), "item:new-mug"]);
    expect((await of(at("aligned"))).some(({ key }) => key === "new-mug")).toBe(false);
  });
});

test("items that the model composes of columns are appended whole, and recall has them among the composed ones", async () => {
  const [composed, more] = [at("composed"), at("composed-more")];
  const side = argv`--side ${fixture("items.csv")}:item_id --multi genres:| --ignore title,rating`;
  await embedOk(argv`train-ranking ${fixture("ratings.csv")} ${side} --dim 4 --epochs 2 -o ${composed}
      --quiet`);
  const [head, ...films] = readFileSync(fixture("items.csv"), "utf8").trimEnd().split("\n");
  const file = put("films.csv", head!, ...films, "new-film,A New Film,Drama|Romance,1989");
  const flags = ["--content", file, "--content-multi", "genres:|"];
  const { stderr } = await embedOk(["transform", composed, ...flags, "--append", "-o", more]);
  expect(stderr).toContain("item vectors are sums over 'item_id' + 'genres'");
  const { stdout } = await embedOk(argv`recall ${more} -o - --k 1000 --repeats allow --quiet`);
  const listed = stdout.split("\n").filter((line) => line.includes(",new-film,"));
  const users = new Set(
    stdout
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(",")[0]),
  );
  expect(listed.length).toBe(users.size);
  const score = Number(listed[0]!.split(",")[3]);
  // the list's score of an item equals the dot product of the exported rows of user and item
  const rows = await embedOk(["export", more, "--format", "csv", "--mips"]);
  const vectorOf = (field: string, key: string) =>
    rows.stdout
      .split("\n")
      .find((line) => line.startsWith(`${field},${key},`))!
      .split(",")
      .slice(3)
      .map(Number);
  const [user, item] = [vectorOf("user_id", listed[0]!.split(",")[0]!), vectorOf("item_id", "new-film")];
  expect(Math.abs(user.reduce((sum, x, d) => sum + x * item[d]!, 0) - score)).toBeLessThan(1e-4);
});

describe("a trained run with events", () => {
  const log = readFileSync(fixture("purchases.csv"), "utf8").trimEnd().split("\n");
  const [head, ...rows] = log;
  const out = "tea-01";
  const als = at("als");
  const kinds = at("kinds.csv");
  beforeAll(async () => {
    const known = rows.filter((line) => line.split(",")[1] !== out);
    put("known-events.csv", head!, ...known);
    put("events.csv", head!, ...rows.filter((line) => line.split(",")[1] === out).slice(0, 3));
    const products = [...new Set(rows.map((line) => line.split(",")[1]!))];
    put("kinds.csv", "product_id,kind", ...products.map((key) => `${key},${key.replace(/-\d+$/, "")}`));
    const roles = ["--user", "customer_id", "--item", "product_id", "--fields", "customer_id,product_id"];
    await embedOk(["train-als", at("known-events.csv"), ...roles, "--dim", "8", "-o", als, "--quiet"]);
  });

  test("blends content and what the events fold into, by count", async () => {
    const of = async (...flags: string[]) =>
      rowsIn((await embedOk(["transform", als, ...flags, "--quiet"])).stdout).find(({ key }) => key === out)!
        .vector;
    // the numbers of a row are the bias of the item and then its vector, which are compared together
    const fromContent = await of("--content", kinds, "--prior-events", "6");
    const folded = await of("--fold-in", at("events.csv"), "--field", "item");
    const blend = await of("--content", kinds, "--fold-in", at("events.csv"), "--prior-events", "6");
    const expected = fromContent.map((x, d) => (6 * x + 3 * folded[d]!) / 9);
    expect(Math.max(...blend.map((x, d) => Math.abs(x - expected[d]!)))).toBeLessThan(1e-6);
    expect(Math.max(...blend.map((x, d) => Math.abs(x - fromContent[d]!)))).toBeGreaterThan(1e-3);
  });

  test("counts events of items that have a row", async () => {
    const known = rows.find((line) => line.split(",")[1] !== out)!;
    const events = put("some-known.csv", head!, known, ...rows.filter((line) => line.split(",")[1] === out));
    const { stderr } = await embedOk(["transform", als, "--content", kinds, "--fold-in", events]);
    expect(stderr).toContain("ignored 1 events of items that the run has already");
  });

  test("is still the trained model once items were appended: it predicts, ranks and goes on from --init as before", async () => {
    const more = at("als-more");
    const { stderr } = await embedOk(argv`transform ${als} --content ${kinds} --fold-in ${at("events.csv")}
        --append -o ${more}`);
    expect(stderr).toContain("1 from content and 3 events");
    const ranked = async (run: string) =>
      (
        await embedOk(argv`evaluate ${run} --on ${at("known-events.csv")} --repeats allow --bootstrap 0
            --json`)
      ).stdout;
    const metricsIn = (json: string) => parseJson<{ metrics: unknown }>(json).metrics;
    expect(metricsIn(await ranked(more))).toEqual(metricsIn(await ranked(als)));
    const lists = await embedOk(["recall", more, "-o", "-", "--k", "100", "--quiet"]);
    expect(lists.stdout).toContain(`,${out},`);
    const { added } = readJson<{ added: object }>(join(more, "manifest.json"));
    expect(added).toMatchObject({ content: 0, blend: 1 });
    const refused = await embed(["reproduce", more]);
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining("--append")]);
  });
});

test("columns with a single value are left out, and known items among the new ones are counted", async () => {
  const same = put(
    "same.csv",
    "sku,kind,same,price,tags,title",
    ...items.map(({ key, kind }) => `${key},${kind},x,2.5,a|b,same words`),
    "new-x,tea,x,2.5,a|b,same words",
  );
  const asked = put("asked.csv", "item", items[0]!.key, "new-x");
  const { code, stderr } = await embed([
    ...["transform", run, asked, "--content", same, "--content-key", "sku", "--key", "item"],
    ...["--content-multi", "tags:|", "--content-text", "title", "-o", at("same-out.csv")],
  ]);
  expect(code).toBe(0);
  expect(stderr).toContain(
    "ignored 'same', which has at most one value (the same for 'price', 'tags', 'title')",
  );
  expect(stderr).toContain(`skipped 1 of the items of ${asked}, which the run has already`);
});
