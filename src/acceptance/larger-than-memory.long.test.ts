// A dataset that exceeds the memory is trained on from disk, and the run has the same bytes as one trained in memory.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** Returns the table, the files of the model and the metrics of a run, none of which contains times. */
function bytesOf(run: string): Record<string, unknown> {
  const files = ["embeddings.arrow", ...readdirSync(join(at(run), "model")).map((name) => `model/${name}`)];
  const { metrics } = readJson<{ metrics: object }>(join(at(run), "manifest.json"));
  return {
    metrics,
    ...Object.fromEntries(files.map((name) => [name, readFileSync(join(at(run), name)).toString("base64")])),
  };
}

async function bothWays(
  name: string,
  log: string,
  encode: string[],
  train: string[],
  command = "train-fm",
): Promise<void> {
  await embedOk(["encode", log, "-o", at(`${name}.dataset`), ...encode]);
  const options = [command, at(`${name}.dataset`), "--epochs", "3", ...train];
  await embedOk([...options, "-o", at(`${name}-memory`)]);
  await embedOk([...options, "-o", at(`${name}-disk`), "--max-memory", "10K", "--threads", "2"]);
  expect(bytesOf(`${name}-disk`)).toEqual(bytesOf(`${name}-memory`));
}

const cut = ["--valid", "0.1", "--test", "0.1"];

test("two towers from disk, killed and resumed, have the bytes of a training in memory", async () => {
  const towers = ["train-two-tower", fixture("purchases.csv"), "--epochs", "6", "--user-tower", "8", ...cut];
  await embedOk([...towers, "-o", at("towers-memory")]);
  const disk = argv`${towers} -o ${at("towers-disk")} --max-memory 1K --checkpoint-every 1 --resume`;
  const { signal } = await embed([...disk, "--threads", "3", "--log-format", "json"], {
    signalWhen: { stderr: /"epoch":3,/, signal: "SIGKILL" },
  });
  expect(signal).toBe("SIGKILL");
  const { stderr } = await embedOk(disk);
  expect(stderr).toMatch(/are read from disk/);
  expect(stderr).toMatch(/resuming after epoch/);
  expect(bytesOf("towers-disk")).toEqual(bytesOf("towers-memory"));
});

describe("the bytes are those of a training in memory", () => {
  test("of clicks cut by time, with missing cells", () =>
    bothWays("time", fixture("clicks.csv"), [], [...cut, "--split", "time"]));
  test("of clicks cut at random, one key a cell, in file order", () =>
    bothWays(
      "dense",
      fixture("clicks.csv"),
      ["--ignore", "device"],
      [...cut, "--split", "random", "--no-shuffle"],
    ));
  test("of ratings with numbers, several-valued cells and hidden keys", () =>
    bothWays(
      "ratings",
      fixture("ratings.csv"),
      argv`--label rating --side ${fixture("items.csv")}:item_id --multi genres:| --ignore title`,
      [...cut, "--split", "random", "--oov-dropout", "0.1", "--refit"],
    ));
  test("of events that count more or less, with hours as fields", () =>
    bothWays(
      "weights",
      fixture("clicks.csv"),
      [],
      [...cut, "--half-life", "3d", "--time-fields", "dow", "--l2-field", "hour=0.1"],
    ));
});

const pairs = ["--fields", "customer_id,product_id", "--time", "purchased_at", "--null", "u017"];
const purchases = fixture("purchases.csv");

describe.each(["train-als", "train-ranking"])(
  "the bytes of %s are those of a training in memory",
  (command) => {
    test.each<[name: string, encode: string[], train: string[]]>([
      ["split by time", pairs, [...cut, "--split", "time"]],
      ["split at random, and trained again on all rows", pairs, [...cut, "--split", "random", "--refit"]],
      ["no split, and purchases that count less with age", pairs, ["--half-life", "9d"]],
      ["last purchases, with other features", [], ["--split", "last", "--min-users", "2"]],
    ])("purchases, %s", (_, encode, train) => {
      const name = `${command} ${train.join(" ").replaceAll(".", "")}`;
      return bothWays(name, purchases, encode, ["--dim", "8", ...train], command);
    });

    test("purchases that are not sorted by time, split by time", () => {
      const [header, ...lines] = readFileSync(purchases, "utf8").trim().split("\n");
      writeFileSync(at("reversed.csv"), [header, ...lines.toReversed()].join("\n"));
      const train = ["--dim", "8", ...cut, "--split", "time"];
      return bothWays(`${command} unsorted`, at("reversed.csv"), pairs, train, command);
    });
  },
);

test("rows that are not sorted by time are refused where they are to be cut by it, with what to try", async () => {
  const rows = Array.from(
    { length: 100 },
    (_, i) => `${i % 2},u${i % 7},${1_700_000_000 + ((i * 37) % 100)}`,
  );
  writeFileSync(at("unsorted.csv"), ["label,user,time", ...rows].join("\n"));
  await embedOk(["encode", at("unsorted.csv"), "-o", at("unsorted.dataset")]);
  const train = argv`train-fm ${at("unsorted.dataset")} -o ${at("none")} --valid 0.2 --max-memory 1K`;
  const { code, stderr } = await embed([...train, "--split", "time"]);
  expect([code, stderr]).toEqual([
    64,
    expect.stringMatching(
      /a dataset larger than --max-memory must be sorted by time for --split time: sort the log before encoding, use --split random, or raise --max-memory$/m,
    ),
  ]);
  expect((await embed([...train, "--split", "random"])).code).toBe(0);
});

test("what needs all rows in memory says so at the start, with how much, and in the summary", async () => {
  await embedOk(argv`encode ${fixture("purchases.csv")} -o ${at("purchases.dataset")} --time purchased_at`);
  const train = ["train-fm", at("purchases.dataset"), "-o", at("held"), "--max-memory", "10K", "--json"];
  const { stdout } = await embedOk([...train, "--negatives", "1", "--since", "900w", "--epochs", "1"]);
  const { warnings } = parseJson<{ warnings: string[] }>(stdout);
  expect(warnings).toContainEqual(
    expect.stringMatching(
      /^--negatives, --since 900w need all rows in memory, about \d\.\d MiB, regardless of --max-memory \(10\.0 KiB\)/,
    ),
  );
});

test("a size that is none is 64", async () => {
  const train = ["train-fm", fixture("clicks.csv"), "-o", at("none"), "--max-memory", "lots"];
  expect((await embed(train)).code).toBe(64);
});
