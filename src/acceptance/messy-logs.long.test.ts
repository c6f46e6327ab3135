// Exports in the form of real systems: every command of docs/messy-logs.md reads its export, and the run reads it
// again.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { embed, embedOk, shell, temporaryFolder, type ProgramOutput } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { systemExports } from "../testing/system-exports.js";

const folder = temporaryFolder();
for (const [name, content] of Object.entries(systemExports())) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const page = readFileSync(join(projectFolder, "docs", "messy-logs.md"), "utf8");
const commands = [...page.matchAll(/```sh\n(.+)\n```/g)].map(([, command]) => command!);

/** Runs a command line of the page in the folder of the exports; a line that is one command needs no shell. */
function typed(line: string): Promise<ProgramOutput> {
  const words = [...line.matchAll(/'([^']*)'|([^\s'"\\$|;&]+)|(\S)/g)];
  return words[0]![2] === "embed" && words.every(([, , , shellOnly]) => shellOnly === undefined)
    ? embed(
        words.slice(1).map(([, quoted, plain]) => quoted ?? plain!),
        { cwd: folder },
      )
    : shell(line, { cwd: folder });
}

/** Returns the log of a command, and the flags for the format of its files; the run stores all other options. */
function logOf(command: string): string[] {
  const [, log = ""] = / train-\S+ '?([^\s']+)'?/.exec(command) ?? [];
  const [encoding = ""] = /--encoding \S+/.exec(command) ?? [];
  return [log === "-" ? "ga4/events.jsonl" : log, ...encoding.split(" ").filter(Boolean)];
}

test("the page has at least fifteen exports, and no export is without a command", () => {
  expect(commands.length).toBeGreaterThanOrEqual(15);
  const folders = new Set(Object.keys(systemExports()).map((name) => name.split("/")[0]!));
  expect(
    [...folders].filter(
      (name) => !commands.some((command) => command.includes(` ${name}`) || command.includes(`'${name}`)),
    ),
  ).toEqual([]);
});

test.each(commands)("%s", async (command) => {
  const trained = await typed(`${command} --epochs 1 --dim 4 --json`);
  expect([trained.code, trained.stderr]).toEqual([0, expect.not.stringContaining("embed:")]);
  const { rows, out } = parseJson<{ rows: number; out: string }>(trained.stdout);
  expect(rows).toBe(400);
  // the run stores the options with which its log was read, so that evaluate needs only those of the file format
  const [log, ...flags] = logOf(command);
  const on = ["--on", log!, ...flags, "--bootstrap", "0", "--json"];
  const { stdout } = await embedOk(["evaluate", out, ...on], { cwd: folder });
  expect(parseJson<{ runs: { rows?: number }[] }>(stdout)).toBeDefined();
  const vectors = await embedOk(["transform", out, log!, ...flags, "--format", "csv"], { cwd: folder });
  expect(vectors.stdout.split("\n").length).toBeGreaterThan(400);
});

test("missing values of all systems are the same rows, and filters that would never match are refused", async () => {
  const missing = async (log: string) => {
    const { stdout } = await embedOk(["inspect", log, "--json"], { cwd: folder });
    const { columns } = parseJson<{ columns: { name: string; missing: number }[] }>(stdout);
    return Object.fromEntries(columns.map(({ name, missing }) => [name, missing]));
  };
  const [expected, ...others] = [
    await missing("postgres/events.csv"),
    await missing("clickhouse/events.tsv"),
    await missing("mysql/events.tsv"),
  ];
  expect(expected!["price"]).toBeGreaterThan(0);
  expect(others).toEqual([expected, expected]);
  const refused = await embed(["train-fm", "mysql/events.tsv", "--drop", "category=NULL", "-o", "never"], {
    cwd: folder,
  });
  expect([refused.code, refused.stderr]).toEqual([
    64,
    expect.stringContaining(
      "--drop 'category=NULL' compares with 'NULL', but such cells are read as missing",
    ),
  ]);
  const kept = await embedOk(
    [
      "train-fm",
      "mysql/events.tsv",
      "--drop",
      "category=NULL",
      "--null",
      "",
      "--ignore",
      "price",
      "-o",
      "kept",
      "--epochs",
      "1",
      "--json",
    ],
    { cwd: folder },
  );
  expect(parseJson<{ rows: number }>(kept.stdout).rows).toBe(400 - expected!["category"]!);
});

test("a pipeline reads a directory in its flags' terms, and a version is published", async () => {
  writeFileSync(
    join(folder, "hive.yaml"),
    `name: hive
store: store
log: hive
columns: { user: user_id, item: item_id, label: clicked, time: dt, fields: [user_id, item_id, category] }
reading: { delimiter: '\\x01', columns: "user_id,item_id,category,clicked,price", null: ['\\N'] }
train: { items: { command: train-fm, epochs: 1, dim: 4 } }
`,
  );
  const finished = await embed(["run", "hive.yaml"], { cwd: folder });
  expect([finished.code, finished.stderr]).toEqual([0, expect.stringContaining("read as missing: ")]);
});
