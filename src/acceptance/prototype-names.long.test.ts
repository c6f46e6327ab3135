// Columns, keys, trainings and bounds may have names that every object inherits (`constructor`, `__proto__`,
// `toString`): a log with such columns gives the same results as with ordinary names.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const inherited = {
  label: "constructor",
  user: "__proto__",
  item: "hasOwnProperty",
  price: "toString",
  tags: "valueOf",
  weight: "toLocaleString",
  time: "isPrototypeOf",
  device: "propertyIsEnumerable",
  category: "__defineGetter__",
};
type Names = typeof inherited;
const ordinary = Object.fromEntries(Object.keys(inherited).map((name) => [name, `the_${name}`])) as Names;
const KEYS = ["constructor", "__proto__", "toString", "hasOwnProperty"];
const key = (prefix: string, i: number) => KEYS[i] ?? `${prefix}${i}`;

beforeAll(() => {
  const random = mulberry32(5);
  const below = (n: number) => Math.floor(random() * n);
  const rows = Array.from({ length: 600 }, (_, row) => {
    const [user, item] = [below(20), below(12)];
    const click = random() < ((user + item) % 3 === 0 ? 0.8 : 0.2) ? 1 : 0;
    const tags = [0, 1, 2].filter(() => random() < 0.5).map((tag) => key("tag", tag * 2));
    const others = [
      random().toFixed(3),
      tags.join("|"),
      1 + below(3),
      1_700_000_000 + row * 60,
      key("d", row % 5),
    ];
    return [click, key("u", user), key("i", item), ...others].join(",");
  });
  const items = Array.from({ length: 12 }, (_, item) => `${key("i", item)},${key("c", item % 5)}`);
  for (const [place, names] of [
    ["inherited", inherited],
    ["ordinary", ordinary],
  ] as const) {
    mkdirSync(join(folder, place));
    const { label, user, item, price, tags, weight, time, device, category } = names;
    const head = [label, user, item, price, tags, weight, time, device].join(",");
    writeFileSync(join(folder, place, "log.csv"), `${[head, ...rows].join("\n")}\n`);
    writeFileSync(join(folder, place, "items.csv"), `${[`${item},${category}`, ...items].join("\n")}\n`);
  }
});

const cwd = join(folder, "inherited");

/** Runs a command on one of the logs. @param command `$user` denotes the column of the user */
async function on(place: "inherited" | "ordinary", command: string): Promise<string> {
  const names: Names = place === "inherited" ? inherited : ordinary;
  const words = command
    .replace(
      "$COLUMNS",
      "--user $user --item $item --label $label --numeric $price --weight $weight --time $time",
    )
    .split(" ")
    .map((word) => word.replaceAll(/\$([a-z]+)/g, (_, name: keyof Names) => names[name]));
  return (await embedOk(words, { cwd: join(folder, place) })).stdout;
}

/**
 * Returns the first columns of a command's csv output. Ordinary names replace those that every object inherits, in the
 * first line and the first column.
 */
async function table(place: "inherited" | "ordinary", command: string, numColumns = 99): Promise<string[][]> {
  const byName = new Map(Object.entries(inherited).map(([name, column]) => [column, `the_${name}`]));
  const lines = (await on(place, command)).split("\n");
  return lines.map((line, i) =>
    line.split(",", numColumns).map((cell, c) => (i === 0 || c === 0 ? (byName.get(cell) ?? cell) : cell)),
  );
}

test("tables, predictions and encodings are those of the log with ordinary names", async () => {
  for (const place of ["inherited", "ordinary"] as const) {
    await on(place, "encode log.csv $COLUMNS --multi $tags:| --side items.csv:$item -o dataset");
    // trains a model whose weights start at 0, because initial random numbers would depend on the names of fields
    await on(place, "train-fm dataset --model lr --epochs 2 --valid 0.1 --split time -o lr");
    await on(
      place,
      "train-gbdt log.csv $COLUMNS --ignore $tags --side items.csv:$item --num-trees 3 --num-leaves 4 -o trees",
    );
    await on(place, "train-fm dataset --epochs 2 --dim 4 --l2-field $user=0.1 --hash $device:3 -o fm");
  }
  for (const [command, numColumns] of [
    ["export lr --format csv"],
    // compares the first four columns only, because the next one describes the path to a leaf with names of the log's
    // columns
    ["export trees --table leaves --format csv", 4],
    ["predict trees log.csv -o -"],
    ["transform trees log.csv --features -o -"],
    // compares field, key and count only, because initial vectors depend on the names of fields
    ["export fm --format csv", 3],
  ] as const)
    expect(await table("inherited", command, numColumns)).toEqual(
      await table("ordinary", command, numColumns),
    );
});

test("counts of unseen keys and alignments have every field", async () => {
  await on("inherited", "train-fm dataset --epochs 1 --dim 4 --seed 2 -o other");
  const own = Object.keys(
    parseJson<{ unknown: object }>(await on("inherited", "predict fm log.csv -o predictions.csv --json"))
      .unknown,
  );
  const { user, item, tags, device, category } = inherited;
  expect(own.sort()).toEqual([user, item, tags, device, category].sort());
  const { alignment } = parseJson<{ alignment: { fields: object } }>(
    (await on("inherited", "align other --to fm -o aligned")) &&
      readFileSync(join(cwd, "aligned", "manifest.json"), "utf8"),
  );
  expect(Object.keys(alignment.fields)).toEqual(expect.arrayContaining([user, item, tags, category]));
});

test.each([
  "inspect log.csv",
  "train-net log.csv $COLUMNS --multi $tags:| --arch wide-deep --hidden 4 --dim 4 --epochs 1 --init fm -o net",
  "train-ranking log.csv --user $user --item $item --label $label --positive-from 1 --fields $user,$item --side items.csv:$item --dim 4 --epochs 1 -o ranking",
  "train-graph log.csv --source $user --target $item --dim 4 --epochs 1 -o graph",
  ...["arrow", "fnn", "npz", "onnx", "parquet", "safetensors", "word2vec"].map(
    (format) => `export fm --format ${format} -o table.${format}`,
  ),
  "neighbors fm --key $item:constructor",
  "neighbors fm --key $user:__proto__",
  "evaluate fm net trees --on log.csv",
  "recall ranking --k 3 --items items.csv --per $category=2 -o lists.csv --format csv",
  "transform fm log.csv -o rows.csv",
  "report fm trees --labels items.csv:$item --label-column $category -o report.html",
  "forget fm $user:__proto__ $item:constructor",
])("%s ends with 0", async (command) => {
  await on("inherited", command);
});

const pipeline = (training: string, multi = "[]", bound = "valid.logLoss") => `
name: weekly
store: store
log: log.csv
columns:
  user: __proto__
  item: hasOwnProperty
  label: constructor
  fields: [__proto__, hasOwnProperty]
  multi: ${multi}
train:
  constructor: { command: train-fm, epochs: 1, dim: 4, valid: 0.1 , split: random }
  ${training}: { command: train-fm, epochs: 1, dim: 4, valid: 0.1, split: random }
gates: { before: { rows: { min: 1 } }, after: { metrics: { ${bound}: { max: 9 } } } }
`;

test("a pipeline's trainings may be called constructor and toString; __proto__ is refused where it would be left out", async () => {
  const file = join(cwd, "pipeline.yaml");
  const run = async (text: string) => {
    writeFileSync(file, text);
    return await embed(["run", file, "--json"], { cwd });
  };
  const { code, stdout, stderr } = await run(pipeline("toString"));
  expect([code, stderr.includes("is a bug")]).toEqual([0, false]);
  const { metrics, gates } = parseJson<Record<"metrics" | "gates", object>>(stdout);
  expect([Object.keys(metrics), Object.keys(gates)]).toEqual([
    ["constructor", "toString"],
    ["constructor", "toString"],
  ]);
  for (const text of [pipeline("__proto__"), pipeline("toString", "{ __proto__: '|' }")]) {
    const refused = await run(text);
    expect([refused.code, refused.stderr]).toEqual([
      78,
      expect.stringContaining("a key cannot be called '__proto__'"),
    ]);
  }
  // every object inherits `constructor.length`, a number that must not be taken for a metric
  const failed = await run(pipeline("toString", "[]", "constructor.length"));
  expect(failed.code).toBe(81);
});
