// `embed run`: the rows of the log that a published table was trained on. By default all of them, for every trainer and
// split.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { plantedText, trainers, type PlantedLog, type TrainerRow } from "../testing/trainers.js";

const folder = temporaryFolder();
const ROWS = 600;

interface Manifest {
  rows: number;
  seen: { rows: number; heldOut: number };
  refit?: { rows: number };
  split: { train: number; valid: number; test: number };
}
const manifestOf = (store: string, name: string) =>
  readJson<Manifest>(join(folder, store, name, "latest/manifest.json"));

/**
 * Writes a log whose ten newest rows are held out. In these, a new user has a new item in every second row, and known
 * items in the others.
 */
function writeLog(log: PlantedLog): void {
  const [header, ...rows] = plantedText(log, ROWS).trimEnd().split("\n");
  const names = header!.split(",");
  const newKeys = (i: number) => ({ user_id: "new-user", ...(i % 2 === 0 && { item_id: "new-item" }) });
  const newest = rows.slice(-10).map((row, i) => {
    const keys: Record<string, string> = newKeys(i);
    return row
      .split(",")
      .map((cell, c) => keys[names[c]!] ?? cell)
      .join(",");
  });
  writeFileSync(join(folder, `${log}.csv`), `${[header, ...rows.slice(0, -10), ...newest].join("\n")}\n`);
}

/** Formats flags as a flow mapping of YAML. */
function yamlOf(flags: readonly string[]): string {
  const pairs = flags.flatMap((flag, i) => {
    if (!flag.startsWith("--")) return [];
    const value = flags[i + 1];
    return `${flag.slice(2)}: ${value === undefined || value.startsWith("--") ? "true" : JSON.stringify(value)}`;
  });
  return pairs.join(", ");
}

function writePipeline(name: string, log: PlantedLog, trainings: Record<string, string>): string {
  const lines = Object.entries(trainings).map(([key, value]) => `  ${key}: { ${value} }`);
  const head = `store: ${name}\nlog: ${log}.csv\ncolumns: { ${columns[log]} }\n`;
  writeFileSync(join(folder, `${name}.yaml`), `${head}train:\n${lines.join("\n")}\n`);
  return `${name}.yaml`;
}

/** Whether a file of a run's tables or model contains a text. */
function holds(run: string, text: string): boolean {
  return readdirSync(run, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.arrow$|^model\//.test(file) && statSync(join(run, file)).isFile())
    .some((file) => readFileSync(join(run, file)).includes(text));
}

const columns: Record<PlantedLog, string> = {
  clicks: "label: click, user: user_id, item: item_id, time: timestamp, fields: [user_id, item_id, device]",
  purchases: "user: user_id, item: item_id, time: timestamp, fields: [user_id, item_id, kind]",
  numbers: "numeric: [a, b, c, d, e, f]",
};

const nameOf = ({ name }: TrainerRow): string => name.replaceAll(/[^a-z0-9]+/g, "-");
const logs = [...new Set(trainers.map(({ log }) => log))];

describe.each(logs)("the newest rows of a log of %s", (log) => {
  const rows = trainers.filter((row) => row.log === log);
  beforeAll(async () => {
    const held = log === "numbers" ? "valid: 0.1" : "valid: 0.1, test: 0.1";
    const trainings = rows.map((row) => [
      nameOf(row),
      `command: ${row.command}, ${yamlOf(row.small)}, ${held}`,
    ]);
    writeLog(log);
    const file = writePipeline(log, log, Object.fromEntries(trainings) as Record<string, string>);
    await embedOk(["run", file, "--quiet"], { cwd: folder });
  }, 120_000);

  test.each(rows.map((row) => [row.name, nameOf(row)]))("are in the table that %s publishes", (_, name) => {
    const { rows: all, seen, refit, split } = manifestOf(log, name);
    expect([split.train < all, split.valid > 0, refit?.rows]).toEqual([true, true, all]);
    expect(seen).toEqual({ rows: all, heldOut: 0 });
    const run = join(folder, log, name, "latest");
    if (log !== "numbers") expect(holds(run, "new-item")).toBe(true);
  });
});

describe("options of a training", () => {
  const gbdt = "command: train-gbdt, num-trees: 4, num-leaves: 4, min-data-in-leaf: 5";
  const fm = "command: train-fm, dim: 2, epochs: 2";
  const trainings = {
    ctr: `${gbdt}, valid: 0.1, test: 10%, ctr: user_id, ctr-pairs: 2`,
    folds: `${gbdt}, valid: 0.1, head: lr, cross-fit: 3`,
    trees: `${gbdt}, valid: 0.1, init: latest`,
    leaves: `${gbdt}, valid: 0.1, init: latest, refit-leaves: true, refit-decay: 0.5`,
    warm: `${fm}, valid: 0.1, init: latest, expire: 8w, freeze: known, keep-state: true`,
    last: `${fm}, split: last, last: 1`,
    users: `${fm}, split: user, valid: 10%`,
    day: `${fm}, test: 2024-03-08`,
    file: `${fm}, valid: other.csv`,
    files: `${fm}, valid: other.csv, test: 0.1`,
    nothing: `${fm}, valid: 0%`,
  };
  beforeAll(() => {
    writeLog("clicks");
    writeFileSync(join(folder, "other.csv"), plantedText("clicks", 100));
  });

  test.each(["the first week", "the next week"])(
    "keep no row out of the table in %s",
    async (week) => {
      const log = readFileSync(join(folder, "clicks.csv"), "utf8");
      // repeats the log's last row, so that the log of the next week differs
      if (week === "the next week")
        writeFileSync(join(folder, "clicks.csv"), `${log}${log.trimEnd().split("\n").at(-1)!}\n`);
      const file = writePipeline("options", "clicks", trainings);
      const { stderr } = await embedOk(["run", file], { cwd: folder });
      for (const name of Object.keys(trainings)) {
        const { rows, seen } = manifestOf("options", name);
        expect([name, seen]).toEqual([name, { rows, heldOut: 0 }]);
      }
      expect(stderr).toMatch(/^train ctr: 60\d rows, refitted on all, test logLoss/m);
      expect(stderr).toMatch(/^train file: 60\d rows, valid logLoss/m);
    },
    120_000,
  );

  test("refit: false publishes without the held-out rows, and says how many", async () => {
    const file = writePipeline("held", "clicks", {
      fm: `${fm}, valid: 0.1, refit: false`,
      items: `${fm}, split: items, test: 0.2, refit: false`,
    });
    const { stderr } = await embedOk(["run", file], { cwd: folder });
    expect(stderr).toMatch(
      /^train fm: 5\d\d of 60\d rows, the other 6\d held out of the table \(refit: false\)/m,
    );
    for (const name of ["fm", "items"]) {
      const { rows, seen, split } = manifestOf("held", name);
      expect(seen).toEqual({ rows: split.train, heldOut: rows - split.train });
      expect(seen.heldOut).toBeGreaterThan(0);
    }
  });

  test.each([
    ["split: items, which no refit can follow", `${fm}, split: items, test: 0.2`, "set 'refit: false'"],
    [
      "target statistics on a warm start",
      `${gbdt}, ctr: user_id, init: latest`,
      "--ctr cannot be combined with --init",
    ],
    [
      "folds on a warm start",
      `${gbdt}, head: lr, cross-fit: 2, init: latest`,
      "--cross-fit cannot be combined with",
    ],
    [
      "a search for leaves",
      `${gbdt}, valid: 0.1, init: latest, refit-leaves: true, search: 2`,
      "--search cannot be",
    ],
    [
      "a start beside a warm start",
      "command: train-ranking, positive-from: 1, start: svd, init: latest",
      "--init cannot be combined with --start svd",
    ],
    [
      "a refit on nothing",
      `${fm}, valid: other.csv, refit: true`,
      "--refit needs held-out rows of the same log",
    ],
  ])("%s is refused before the log is read", async (_, training, why) => {
    const file = writePipeline("refused", "clicks", { a: training });
    const { code, stderr } = await embed(["run", file, "--quiet"], { cwd: folder });
    expect([code, stderr]).toEqual([78, expect.stringContaining(why)]);
  });
});
