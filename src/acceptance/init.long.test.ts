// `--init RUN`: a training starts from the run of the previous week, key by key.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const DAY = 86_400;

/** Writes a log with the given number of events of each item. Events begin on a day and are one hour apart. */
function writeLog(name: string, day: number, items: Record<string, number>): string {
  let time = day * DAY;
  const lines = Object.entries(items).flatMap(([item, events]) =>
    Array.from({ length: events }, (_, i) => `${i % 2},u${i % 3},${item},${(time += 3600)}`),
  );
  writeFileSync(at(name), ["label,user,item,time", ...lines].join("\n"));
  return at(name);
}

// the days in the logs' times are counted from 1970: day 11574 is 2001-09-09
const weeks = [
  writeLog("week-1.csv", 11_600, { apple: 9, berry: 8, cherry: 7 }),
  writeLog("week-2.csv", 11_607, { date: 9, cherry: 8, elder: 5, apple: 4 }),
  writeLog("week-3.csv", 11_614, { date: 9, fig: 8 }),
];

interface Manifest {
  init?: { kept: number; unseen: number; new: number; expired: number; fields: Record<string, object> };
  metrics: Record<string, Record<string, number>>;
  refit?: { epochs: number; rows: number; metrics: Record<string, Record<string, number>> };
  interrupted?: boolean;
  options: Record<string, unknown>;
}
const manifestOf = (run: string) => readJson<Manifest>(join(at(run), "manifest.json"));

async function train(log: string, run: string, ...options: string[]): Promise<string> {
  return (await embedOk(["train-fm", log, "-o", at(run), "--epochs", "2", "--dim", "4", ...options])).stderr;
}

async function rowsOf(run: string, field = "item") {
  const { stdout } = await embedOk(argv`export ${at(run)} --format jsonl --field ${field} --with-weight`);
  return parseJsonLines(stdout);
}
const keysOf = async (run: string) => (await rowsOf(run)).map(({ key, count }) => `${key} ${count}`);

describe("a chain of weeks", () => {
  beforeAll(async () => {
    await train(weeks[0]!, "one");
    await train(weeks[1]!, "two", "--init", at("one"));
    await train(weeks[2]!, "three", "--init", at("two"), "--expire", "10d");
  });

  test("keeps keys that the log lacks, after those that it has, and tells of each", async () => {
    expect(await keysOf("two")).toEqual(["date 9", "cherry 8", "elder 5", "apple 4", "berry 0"]);
    expect(manifestOf("two").init).toMatchObject({
      run: at("one"),
      kept: 6,
      unseen: 1,
      new: 2,
      expired: 0,
      fields: { item: { kept: 3, unseen: 1, new: 2, expired: 0 }, user: { kept: 3, unseen: 0, new: 0 } },
    });
  });

  test("a key that the log lacks has the vector and weight of the week before, to the bit", async () => {
    const berry = async (run: string) => (await rowsOf(run)).find(({ key }) => key === "berry")!;
    const [before, after] = [await berry("one"), await berry("two")];
    expect([after.vector, after.weight]).toEqual([before.vector, before.weight]);
    expect(before.vector.some((x) => x !== 0)).toBe(true);
  });

  test("a known key starts where it was, not where it was first drawn", async () => {
    await train(weeks[1]!, "two-alone");
    const vectorOf = async (run: string) => (await rowsOf(run)).find(({ key }) => key === "cherry")!.vector;
    expect(await vectorOf("two")).not.toEqual(await vectorOf("two-alone"));
  });

  test("a key ages by the log's newest event: berry, last seen in week 1, has expired in week 3", async () => {
    // the log of week 3 ends on day 11614.7; apple was last seen on day 11608.1, cherry on 11607.7, and berry on
    // 11600.7
    expect((await keysOf("three")).sort()).toEqual(["apple 0", "cherry 0", "date 9", "elder 0", "fig 8"]);
    expect(manifestOf("three").init!.fields["item"]).toEqual({ kept: 4, unseen: 3, new: 1, expired: 1 });
  });

  test("trainings are an age too", async () => {
    await train(weeks[2]!, "three-by-count", "--init", at("two"), "--expire", "2");
    expect((await keysOf("three-by-count")).sort()).toEqual([
      "apple 0",
      "cherry 0",
      "date 9",
      "elder 0",
      "fig 8",
    ]);
    await train(weeks[2]!, "three-at-once", "--init", at("two"), "--expire", "1");
    expect((await keysOf("three-at-once")).sort()).toEqual(["date 9", "fig 8"]);
  });

  test("with --row-order rows stay where they are, and an expired one is a hole", async () => {
    await train(weeks[2]!, "ordered", "--init", at("two"), "--expire", "10d", "--row-order", at("two"));
    expect(await keysOf("ordered")).toEqual(["date 9", "cherry 0", "elder 0", "apple 0", " 0", "fig 8"]);
    // a week later the row of the removed key is still empty
    await train(weeks[2]!, "ordered-again", "--init", at("ordered"), "--row-order", at("ordered"));
    expect(await keysOf("ordered-again")).toEqual([
      "date 9",
      "cherry 0",
      "elder 0",
      "apple 0",
      " 0",
      "fig 8",
    ]);
    expect(manifestOf("ordered-again").init).toMatchObject({ kept: 8, new: 0, expired: 0 });
  });

  test("the same bytes at any number of threads, and neighbors and evaluate read the run", async () => {
    const tables = [];
    for (const threads of ["1", "2", "3"]) {
      await train(weeks[1]!, `two-${threads}`, "--init", at("one"), "--threads", threads);
      tables.push(readFileSync(join(at(`two-${threads}`), "embeddings.arrow")).toString("hex"));
    }
    expect(new Set(tables).size).toBe(1);
    await embedOk(["neighbors", at("two"), "--key", "item:berry"]);
    await embedOk(["evaluate", at("two"), "--on", weeks[0]!]);
  });
});

test("--min-count decides which new keys come in; known ones stay and train", async () => {
  await train(weeks[0]!, "start");
  await train(weeks[1]!, "limited", "--init", at("start"), "--min-count", "6");
  expect(await keysOf("limited")).toEqual(["date 9", "cherry 8", "apple 4", "berry 0"]);
});

test("vectors of a regression go on too, whatever the spread of this week's labels", async () => {
  const ratings = argv`train-fm ${fixture("ratings.csv")} --label rating --epochs 3 --valid 0.2`;
  await embedOk([...ratings, "-o", at("ratings")]);
  await embedOk([...ratings, "-o", at("ratings-again"), "--init", at("ratings")]);
  const rmse = (run: string) => manifestOf(run).metrics["train"]!["rmse"]!;
  // training continues from the earlier model, so that its loss is lower
  expect(rmse("ratings-again")).toBeLessThan(rmse("ratings"));
});

describe("what cannot be gone on from", () => {
  beforeAll(() => train(weeks[0]!, "base"));
  const refused = async (log: string, ...options: string[]) => {
    const { code, stderr } = await embed(["train-fm", log, "-o", at("none"), ...options]);
    return [code, stderr];
  };

  test("a run of another dim is 64 and names both", async () => {
    expect(await refused(weeks[1]!, "--init", at("base"), "--dim", "8")).toEqual([
      64,
      expect.stringMatching(/dim 4, but --dim is 8/),
    ]);
  });

  test("without --dim the run's own is taken", async () => {
    await embedOk(["train-fm", weeks[1]!, "-o", at("same-dim"), "--init", at("base")]);
    expect(manifestOf("same-dim").options).toMatchObject({ dim: 4 });
  });

  test("a run for another kind of label is 64", async () => {
    const regression = ["--init", at("base"), "--task", "regression"];
    expect(await refused(weeks[1]!, ...regression)).toEqual([64, expect.stringMatching(/binary label/)]);
  });

  test("a field of another kind is 64 and names the field", async () => {
    expect(await refused(weeks[1]!, "--init", at("base"), "--hash", "item:4")).toEqual([
      64,
      expect.stringMatching(/'item' is categorical in the run of --init but hashed to 4 bits here/),
    ]);
  });

  test("a damaged run is 82, a missing one 66", async () => {
    await train(weeks[0]!, "damaged");
    const table = join(at("damaged"), "embeddings.arrow");
    const bytes = readFileSync(table);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(table, bytes);
    expect((await refused(weeks[1]!, "--init", at("damaged")))[0]).toBe(82);
    expect((await refused(weeks[1]!, "--init", at("no-such")))[0]).toBe(66);
  });

  test("--expire is refused without --init, as no age, and as a span for a log without times", async () => {
    expect((await refused(weeks[1]!, "--expire", "8w"))[0]).toBe(64);
    expect((await refused(weeks[1]!, "--init", at("base"), "--expire", "soon"))[0]).toBe(64);
    const untimed = ["--init", at("base"), "--expire", "8w", "--ignore", "time"];
    expect(await refused(weeks[1]!, ...untimed)).toEqual([
      64,
      expect.stringContaining("needs a time column"),
    ]);
  });
});

describe("--freeze known", () => {
  const rowsByKey = async (run: string) => {
    const { stdout } = await embedOk(["export", at(run), "--format", "jsonl", "--with-weight"]);
    return new Map(
      parseJsonLines(stdout).map(({ field, key, vector, weight }) => [`${field}:${key}`, { vector, weight }]),
    );
  };

  test.each(["adagrad", "sgd", "ftrl", "adam"])(
    "by %s, keeps every old row bit for bit and fits the new ones",
    async (method) => {
      const options = ["--method", method, "--threads", "2"];
      await train(weeks[0]!, `frozen-base-${method}`, ...options);
      const init = ["--init", at(`frozen-base-${method}`), "--freeze", "known", ...options];
      await train(weeks[1]!, `frozen-${method}`, ...init);
      const [before, after] = [await rowsByKey(`frozen-base-${method}`), await rowsByKey(`frozen-${method}`)];
      for (const [key, row] of before) expect([key, after.get(key)]).toEqual([key, row]);
      // the weights of unknown keys and w0 are not in the table, but must be unchanged, too
      const model = (run: string) => readFileSync(join(at(run), "model", "fm.safetensors"));
      expect(model(`frozen-${method}`).equals(model(`frozen-base-${method}`))).toBe(true);
      // the vector of a new key is trained
      await train(weeks[1]!, `moved-${method}`, ...init, "--epochs", "3");
      expect((await rowsByKey(`moved-${method}`)).get("item:date")).not.toEqual(after.get("item:date"));
    },
  );

  test("keeps the bits of a regression, whose labels are on another scale this week", async () => {
    const ratings = ["train-fm", fixture("ratings.csv"), "--label", "rating", "--epochs", "2"];
    await embedOk([...ratings, "-o", at("frozen-ratings"), "--where", "rating < 8"]);
    await embedOk(argv`${ratings} -o ${at("froze-ratings")} --init ${at("frozen-ratings")} --freeze known`);
    const [before, after] = [await rowsByKey("frozen-ratings"), await rowsByKey("froze-ratings")];
    for (const [key, row] of before) expect([key, after.get(key)]).toEqual([key, row]);
  });

  test("is refused without --init", async () => {
    expect((await embed(["train-fm", weeks[0]!, "-o", at("none"), "--freeze", "known"])).code).toBe(64);
  });
});

describe("--keep-state", () => {
  const clicks = ["train-fm", fixture("clicks.csv"), "--no-shuffle"];
  const table = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));

  test.each(["adagrad", "adam"])(
    "by %s, two trainings of one epoch are one of two, to the byte",
    async (method) => {
      const options = [...clicks, "--method", method];
      await embedOk([...options, "-o", at(`both-${method}`), "--epochs", "2"]);
      await embedOk([...options, "-o", at(`half-${method}`), "--epochs", "1", "--keep-state"]);
      const again = argv`${options} -o ${at(`again-${method}`)} --epochs 1 --init ${at(`half-${method}`)}`;
      await embedOk(again);
      expect(table(`again-${method}`).equals(table(`both-${method}`))).toBe(true);
    },
  );

  test("of another method is refused, and a run without one is told of", async () => {
    await embedOk([...clicks, "-o", at("stateless"), "--epochs", "1"]);
    const reported = await embedOk(argv`${clicks} -o ${at("told")} --epochs 1 --init ${at("stateless")}
        --keep-state`);
    expect(reported.stderr).toContain("was trained without --keep-state: the optimizer starts from scratch");
    const other = [...clicks, "-o", at("none"), "--method", "sgd", "--init", at("half-adam")];
    expect((await embed(other)).code).toBe(64);
  });
});

test("a linear model goes on too, and not to a factorization machine", async () => {
  const [base, next] = ["lr-base", "lr-next"];
  await train(weeks[0]!, base, "--model", "lr");
  await train(weeks[1]!, next, "--model", "lr", "--init", at(base));
  expect((await keysOf(next)).at(-1)).toBe("berry 0");
  const refused = await embed(["train-fm", weeks[1]!, "-o", at("none"), "--init", at(base)]);
  expect([refused.code, refused.stderr]).toEqual([
    64,
    expect.stringContaining("holds a 'lr' model, but a 'fm' model is needed"),
  ]);
});
