// `embed transform --nearest`: vectors of new items as the mean of their nearest known items.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { between, integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const put = (name: string, ...lines: string[]) => {
  writeFileSync(at(name), `${lines.join("\n")}\n`);
  return at(name);
};

/** A table of items whose vectors show which items a mean contains. */
const vectors = ["a,1,0,0", "b,0,1,0", "c,0,0,1", "d,8,8,8", "e,16,0,0"];
const run = at("run");
beforeAll(async () => {
  const file = put("vectors.csv", "sku,x,y,z", ...vectors);
  await embedOk(["import", file, "--format", "csv", "--key", "sku", "--field", "item", "-o", run, "--quiet"]);
});

interface Row {
  key: string;
  vector: number[];
}
function rowsOf(csv: string): Row[] {
  return csv
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [key, ...vector] = line.split(",");
      return { key: key!, vector: vector.map((cell) => Math.fround(Number(cell))) };
    });
}
const transform = (file: string, flags: string) =>
  embed(["transform", run, file, "--key", "sku", ...flags.split(" ")]);
const made = async (file: string, flags: string): Promise<Row[]> => {
  const { code, stdout, stderr } = await transform(file, flags);
  if (code !== 0) throw new Error(stderr);
  return rowsOf(stdout);
};
const third = Math.fround(1 / 3);

/**
 * Places of items, with latitude and longitude. To an item at 60° north, 10° east, the place e is nearer than c in
 * degrees, but c is nearer on the ground.
 */
const places = ["a,60,10", "b,60.1,10", "c,60,11.5", "d,-60,10", "e,61,10"];

describe("the distance", () => {
  test("of lat and lon is on the ground, whatever the order of the columns", async () => {
    const file = put("ground.csv", "sku,lat,lon", ...places, "new,60,10");
    const expected = [{ key: "new", vector: [third, third, third] }];
    expect(await made(file, "--nearest 3 --distance lat,lon")).toEqual(expected);
    expect(await made(file, "--nearest 3 --distance lon,lat")).toEqual(expected);
    expect(await made(file, "--nearest 3 --distance lat,lon --distance-kind euclidean")).toEqual([
      { key: "new", vector: [Math.fround(17 / 3), third, 0] },
    ]);
  });

  test("on the ground crosses the date line and the pole", async () => {
    const file = put(
      "line.csv",
      "sku,latitude,lng",
      "a,10,-179.9",
      "b,10,170",
      "c,89.9,0",
      "d,80,-179",
      "n1,10,179.9",
      "n2,89.9,180",
    );
    expect(await made(file, "--nearest 1 --distance latitude,lng")).toEqual([
      { key: "n1", vector: [1, 0, 0] },
      { key: "n2", vector: [0, 0, 1] },
    ]);
  });

  test("of other columns is Euclidean in the numbers as they are, and says which column decides it alone", async () => {
    const file = put("numbers.csv", "sku,rooms,price", "a,1,900", "b,2,200", "c,3,300", "new,1,250");
    const { stdout, stderr } = await transform(file, "--nearest 1 --distance rooms,price");
    expect(rowsOf(stdout)).toEqual([{ key: "new", vector: [0, 1, 0] }]);
    expect(stderr).toMatch(
      /'price' dominates the distance: its standard deviation is 284, that of 'rooms' is 0.829/,
    );
  });

  test("says how far the neighbors are, and that items lie at 0,0", async () => {
    const file = put("far.csv", "sku,lat,lon", "a,0,0", "b,10,10", "new,0,1");
    const { stderr } = await transform(file, "--nearest 1 --distance lat,lon");
    expect(stderr).toContain("median 111 km, maximum 111 km");
    expect(stderr).toContain("1 of 3 items are at 0,0");
  });
});

describe("neighbors", () => {
  const header = "sku,lat,lon,type,band";
  const known = ["a,1,1,flat,low", "b,1,2,flat,low", "c,1,3,flat,high", "d,1,1,house,low"];

  test("have the same cells in the columns of --within; items with fewer are counted and left out, or taken with --min-nearest", async () => {
    const file = put(
      "within.csv",
      header,
      ...known,
      "n1,1,1,flat,low",
      "n2,1,1,house,low",
      "n3,1,1,boat,low",
    );
    const flags = "--nearest 2 --distance lat,lon --within type,band";
    const { stdout, stderr } = await transform(file, flags);
    expect(rowsOf(stdout)).toEqual([{ key: "n1", vector: [0.5, 0.5, 0] }]);
    expect(stderr).toMatch(
      /2 of 3 new items that have fewer than 2 known items with the same 'type', 'band': "n2", "n3"; --min-nearest 1/,
    );
    const all = await transform(file, `${flags} --min-nearest 1`);
    expect(rowsOf(all.stdout)).toEqual([
      { key: "n1", vector: [0.5, 0.5, 0] },
      { key: "n2", vector: [8, 8, 8] },
    ]);
    expect(all.stderr).toMatch(/1 of 3 new items that have no known item with .*: "n3"\n/);
    expect(all.stderr).toMatch(
      /1 of 3 new items have fewer than 2 known items with .* and use the mean of those: "n2"/,
    );
  });

  test("at the same distance are taken by key, whatever the order of the rows", async () => {
    const rows = ["d,1,1", "c,1,1", "b,1,1", "a,1,1", "new,1,1"];
    const flags = "--nearest 2 --distance lat,lon";
    const expected = [{ key: "new", vector: [0.5, 0.5, 0] }];
    expect(await made(put("ties.csv", "sku,lat,lon", ...rows), flags)).toEqual(expected);
    expect(await made(put("seit.csv", "sku,lat,lon", ...rows.toReversed()), flags)).toEqual(expected);
  });

  test("may stand in a further file, and items in several rows that agree", async () => {
    const catalogue = put("catalogue.csv", "sku,lat,lon", ...places);
    const news = put("news.csv", "sku,lat,lon", "new,60,10", "new,60,10");
    const { stdout } = await embedOk(argv`transform ${run} ${news} ${catalogue} --key sku --nearest 1
        --distance lat,lon`);
    expect(rowsOf(stdout)).toEqual([{ key: "new", vector: [1, 0, 0] }]);
  });

  test("agree with comparing every pair by the haversine, on 300 seeded items in groups", async () => {
    const random = mulberry32(5);
    const items = Array.from({ length: 300 }, (_, i) => ({
      key: i < 200 ? `k${i}` : `n${i}`,
      lat: between(-90, 90, random),
      lon: between(-180, 180, random),
      type: String(integerBelow(4, random)),
    }));
    const all = at("many");
    const table = items.slice(0, 200).map(({ key }, i) => `${key},${i},1`);
    const file = put("many-vectors.csv", "key,x,y", ...table);
    await embedOk(["import", file, "--format", "csv", "--field", "item", "-o", all, "--quiet"]);
    const rows = items.map(({ key, lat, lon, type }) => `${key},${lat},${lon},${type}`);
    const log = put("many.csv", "item,lat,lon,type", ...rows);
    const flags = ["--nearest", "3", "--distance", "lat,lon", "--within", "type"];
    const { stdout } = await embedOk(["transform", all, log, ...flags, "--quiet"]);
    const radians = (degrees: number) => (degrees * Math.PI) / 180;
    const haversine = (p: (typeof items)[number], q: (typeof items)[number]) =>
      Math.sin(radians(p.lat - q.lat) / 2) ** 2 +
      Math.cos(radians(p.lat)) * Math.cos(radians(q.lat)) * Math.sin(radians(p.lon - q.lon) / 2) ** 2;
    const expected = items.slice(200).map((item) => {
      const near = items
        .slice(0, 200)
        .map((one, i) => ({ one, i }))
        .filter(({ one }) => one.type === item.type)
        .sort((p, q) => haversine(item, p.one) - haversine(item, q.one))
        .slice(0, 3);
      return { key: item.key, vector: [Math.fround(near.reduce((sum, { i }) => sum + i, 0) / 3), 1] };
    });
    expect(rowsOf(stdout)).toEqual(expected);
  });
});

describe("the output", () => {
  const file = () => put("formats.csv", "sku,lat,lon", "a,1,1", "b,1,2", "new,1,1");
  const flags = ["--key", "sku", "--nearest", "2", "--distance", "lat,lon"];

  test("has the formats of the other vectors, and the options in the summary", async () => {
    const jsonl = await embedOk(["transform", run, file(), ...flags, "--format", "jsonl", "--quiet"]);
    expect(jsonl.stdout).toBe('{"sku":"new","vector":[0.5,0.5,0]}\n');
    const { stdout } = await embedOk(argv`transform ${run} ${file()} ${flags} --format npy -o ${at("npy")}
        --json`);
    const { rows, options } = parseJson<{ rows: number; options: Record<string, unknown> }>(stdout);
    expect([rows, options["nearest"], options["distance"]]).toEqual([1, 2, ["lat", "lon"]]);
    expect(readFileSync(at("npy/keys.txt"), "utf8")).toBe('"new"\n');
  });

  test("has the mean of the weights where the table has weights", async () => {
    const weighed = put("weighed.csv", "sku,weight,x", "a,1,0", "b,4,1");
    const biased = at("biased");
    await embedOk(argv`import ${weighed} --format csv --key sku --field item -o ${biased} --quiet`);
    const { stdout } = await embedOk(["transform", biased, file(), ...flags, "--quiet"]);
    expect(stdout).toBe("sku,bias,v0\nnew,2.5,0.5\n");
  });
});

test("a run whose ids are hashed needs the secret, and gets hashes", async () => {
  const secret = put("secret", "a secret of more than sixteen bytes");
  const events = ["s1,x", "s1,y", "s2,x", "s2,y", "s3,y", "s3,x"];
  const log = put("events.csv", "basket,item", ...events);
  const hashed = at("hashed");
  const train = argv`train-item2vec ${log} --session basket --item item --dim 2 --epochs 1`;
  await embedOk([...train, "--hash-keys", secret, "-o", hashed, "--quiet"]);
  const file = put("hash.csv", "item,lat,lon", "x,1,1", "y,1,2", "new,1,1");
  const flags = ["transform", hashed, file, "--nearest", "2", "--distance", "lat,lon"];
  const { stdout } = await embedOk([...flags, "--hash-keys", secret, "--quiet"]);
  expect(stdout).toMatch(/^item,v0,v1\n[0-9a-f]{64},/);
  const refused = await embed(flags);
  expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining("--hash-keys FILE")]);
});

describe("bad input", () => {
  const good = ["a,1,1,x", "b,1,2,x", "new,1,1,x"];
  test.each([
    [
      "an empty coordinate",
      "c,,1,x",
      /bad\.csv:5: column 'lat': expected a finite number, the cell is empty/,
    ],
    ["a word", "c,1,east,x", /bad\.csv:5: column 'lon': expected a finite number, got "east"/],
    [
      "a latitude above 90",
      "c,91,1,x",
      /bad\.csv:5: column 'lat': expected a latitude in degrees from -90 to 90, got "91"/,
    ],
    [
      "a longitude below -180",
      "c,1,-181,x",
      /bad\.csv:5: column 'lon': expected a longitude in degrees from -180 to 180, got "-181"/,
    ],
    ["an empty group", "c,1,1,", /bad\.csv:5: column 'type': expected a value, the cell is empty/],
    ["no key", ",1,1,x", /bad\.csv:5: column 'sku': expected a value/],
    ["an item in two places", "a,1,3,x", /column 'sku': item "a" has rows that differ in 'lon': 1 and 3/],
    ["an item in two groups", "a,1,1,y", /item "a" has rows that differ in type \(--within\)/],
  ])("%s is 65 with where it stands", async (_, row, message) => {
    const file = put("bad.csv", "sku,lat,lon,type", ...good, row);
    const got = await transform(file, "--nearest 2 --distance lat,lon --within type");
    expect([got.code, got.stdout, got.stderr]).toEqual([65, "", expect.stringMatching(message)]);
  });

  test("--on-bad-row skip leaves bad rows out and counts them", async () => {
    const file = put("skipped.csv", "sku,lat,lon", "a,1,1", "b,1,2", "c,north,1", "new,1,1");
    const { stdout, stderr } = await transform(
      file,
      "--nearest 2 --distance lat,lon --on-bad-row skip --max-bad 0.5",
    );
    expect(rowsOf(stdout)).toEqual([{ key: "new", vector: [0.5, 0.5, 0] }]);
    expect(stderr).toContain("skipped 1 bad row (lat: expected a finite number)");
  });

  const file = () => put("usage.csv", "sku,lat,lon,price,type", "a,1,1,5,x", "b,1,2,5,x", "new,1,1,5,x");
  test.each([
    ["--nearest 3", "--nearest needs --distance COLUMNS"],
    ["--nearest 0 --distance lat,lon", "--nearest"],
    ["--distance lat,lon", "--distance needs --nearest N"],
    ["--within type", "--within needs --nearest N"],
    ["--nearest 1 --distance lat,price", "'lat' looks like degrees"],
    ["--nearest 1 --distance lat,lon,price", "looks like degrees"],
    ["--nearest 1 --distance price --distance-kind great-circle", "needs two columns"],
    ["--nearest 1 --distance lat,lat", "--distance names column 'lat' twice"],
    ["--nearest 1 --distance lat,log", "looks like degrees"],
    ["--nearest 1 --distance prize", "did you mean 'price'?"],
    ["--nearest 1 --distance lat,lon --within typ", "did you mean 'type'?"],
    ["--nearest 1 --distance lat,lon --min-nearest 2", "--min-nearest must be at most --nearest 1, got 2"],
    ["--nearest 1 --distance lat,lon --field user", "has no user field"],
    ["--nearest 1 --distance lat,lon --format libsvm", "--nearest cannot be combined with --format libsvm"],
    ["--nearest 1 --distance lat,lon --half-life 3d", "--half-life needs --fold-in LOG"],
  ])("%s is 64", async (flags, words) => {
    const got = await transform(file(), flags);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
  });

  test("no known item, no new item, no column of keys and no table of items are 64", async () => {
    const flags = ["--nearest", "1", "--distance", "lat,lon"];
    const of = async (path: string, ...more: string[]) => {
      const { code, stderr } = await embed(["transform", path, ...more, ...flags]);
      return [code, stderr];
    };
    const strangers = put("strangers.csv", "sku,lat,lon", "x,1,1", "y,1,2");
    const all = put("all.csv", "sku,lat,lon", "a,1,1", "b,1,2");
    expect(await of(run, strangers, "--key", "sku")).toEqual([64, expect.stringContaining("none of the")]);
    expect(await of(run, all, "--key", "sku")).toEqual([
      64,
      expect.stringContaining("no new items: the run has every key of 'sku'"),
    ]);
    expect(await of(run, all)).toEqual([
      64,
      expect.stringContaining(
        "no input has a column 'item', the key column of the run: name the key column with --key; the columns are",
      ),
    ]);
    const numbers = put("columns.csv", "p,q,r", "1,2,3", "4,5,7", "6,8,9", "1,0,2");
    const columns = ["train-pca", numbers, "--matrix", "columns", "--numeric", "p,q,r", "--dim", "2"];
    await embedOk([...columns, "-o", at("columns"), "--quiet"]);
    expect(await of(at("columns"), all)).toEqual([
      64,
      expect.stringContaining("whose table has no item field: it has "),
    ]);
  });

  test("trees without a table of items and a hashed field are 64", async () => {
    const flags = ["--nearest", "1", "--distance", "lat,lon", "--key", "sku"];
    const small: [string, string[], string][] = [
      ["train-gbdt", ["--num-trees", "1"], "boosted trees (train-gbdt), whose table has no item field"],
      [
        "train-fm",
        ["--epochs", "1", "--dim", "2", "--hash", "item_id:4"],
        "' is hashed, so every key already has a vector",
      ],
    ];
    for (const [command, options, words] of small) {
      const out = at(command);
      await embedOk([command, fixture("clicks.csv"), ...options, "-o", out, "--quiet"]);
      const got = await embed(["transform", out, file(), ...flags]);
      expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
    }
  });

  test("new items without any neighbor are 65", async () => {
    const alone = put("alone.csv", "sku,lat,lon,type", "a,1,1,x", "new,1,1,y");
    const got = await transform(alone, "--nearest 1 --distance lat,lon --within type");
    expect([got.code, got.stderr]).toEqual([
      65,
      expect.stringContaining("no known item with the same 'type'"),
    ]);
  });
});
