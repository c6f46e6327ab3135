// SIGHUP, SIGINT and SIGTERM at random moments of every command: it acknowledges at once, ends within two seconds, and
// leaves no incomplete output.
//
// EMBED_TEST_SIGNALS=20 signals each command twenty times, on a log of 120,000 rows; otherwise seven of them once, on
// one of 12,000.

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../faces/cli/commands.js";
import { SIGNAL_EXITS, type SignalName } from "../faces/cli/signals.js";
import { listStore } from "../weekly/store/ls.js";
import { openRun } from "../table/run-directory.js";
import { signalledArguments } from "../testing/commands.js";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { fixture, program } from "../testing/places.js";
import { between, mulberry32, pick } from "../testing/random.js";
import { trainers, writePlanted } from "../testing/trainers.js";

const times = Number(process.env["EMBED_TEST_SIGNALS"] ?? 0);
const isWhole = times > 0;
const numRows = isWhole ? 120_000 : 12_000;
const folder = temporaryFolder();
/** Milliseconds in which a command must end: the documented two seconds, plus the delay of a busy machine. */
let limit = 2000;

/** Returns the arguments of each training command on its planted log. */
function trainings(): Record<string, string[]> {
  const rows = trainers.filter(({ name, command }) => name === command);
  return Object.fromEntries(
    rows.map(({ command, log, columns, options }) => [
      command,
      [`${log}-${numRows}.csv`, "-o", "out", ...columns, ...options],
    ]),
  );
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = { ...signalledArguments, ...trainings() };

const PIPELINE = `name: clicks
log: log.csv
store: pipeline-store
columns: { label: click, fields: [user_id, item_id, device, hour] }
train:
  items: { command: train-fm, epochs: 5, valid: 0.1 }
`;

const GATES = "after:\n  zero: { max: 100% }\n";

interface Ended {
  code: number | null;
  by: NodeJS.Signals | null;
  /** milliseconds between the signal and the end of the command; 0 if the command ended before the signal */
  took: number;
  stderr: string;
}

/** Creates the inputs of the commands: a log, runs, a table, a store of three versions, a pipeline. */
async function prepare(at: string): Promise<void> {
  mkdirSync(at);
  const [head, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  const body = `${rows.join("\n")}\n`;
  writeFileSync(join(at, "log.csv"), `${head}\n${body.repeat(isWhole ? 10 : 1)}`);
  for (const log of new Set(trainers.map(({ log }) => log))) writePlanted(at, log, numRows);
  writeFileSync(join(at, "pipeline.yaml"), PIPELINE);
  writeFileSync(join(at, "gates.yaml"), GATES);
  const here = { cwd: at };
  const train = ["train-fm", "log.csv", "--valid", "0.1", "--test", "0.1", "--epochs", "1", "--quiet"];
  await embedOk([...train, "-o", "run"], here);
  cpSync(join(at, "run"), join(at, "other"), { recursive: true });
  await embedOk(["export", "run", "--format", "word2vec", "--field", "item", "-o", "items.txt"], here);
  for (const run of ["run", "other", "run"])
    await embedOk(["publish", run, "--store", "store", "--name", "items", "--quiet"], here);
}

/** Runs a command and signals it after some milliseconds. */
function signalled(cwd: string, args: string[], signal: SignalName, after: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { PATH: "/usr/bin:/bin", HOME: cwd, TMPDIR: join(cwd, "tmp") },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    let sent = Infinity;
    const timer = setTimeout(() => {
      sent = performance.now();
      child.kill(signal);
    }, after);
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
    child.on("error", reject);
    child.on("close", (code, by) => {
      clearTimeout(timer);
      resolve({ code, by, took: Math.max(0, performance.now() - sent), stderr });
    });
  });
}

/** Returns the names of temporary outputs that were left by unfinished work. */
function unfinishedIn(at: string): string[] {
  const names = readdirSync(at, { recursive: true }).map(String);
  return names.filter((name) => /\.(new|old|gone)-\d|\.lock\b|^tmp\/embed-/.test(name));
}

/** Returns a sentence for everything that is wrong with the end of a signaled command. */
async function complaints(
  at: string,
  { code, by, took, stderr }: Ended,
  signal: SignalName,
): Promise<string[]> {
  const wrong: string[] = [];
  const isAcknowledged = new RegExp(`^embed: ${signal}: (stopping|saving)`, "m").test(stderr);
  if (took > limit) wrong.push(`took ${took.toFixed(0)} ms`);
  // a signal that arrives before the program handles it ends the process, and one that arrives too late has no effect
  if (code !== 0 && code !== SIGNAL_EXITS[signal] && by !== signal)
    wrong.push(`ended with ${code ?? by}: ${stderr}`);
  if (code === SIGNAL_EXITS[signal] && !isAcknowledged) wrong.push(`no word of ${signal}: ${stderr}`);
  wrong.push(...unfinishedIn(at).map((name) => `left ${name}`));
  if (existsSync(join(at, "out")))
    await openRun(join(at, "out")).catch((error: unknown) =>
      wrong.push(`a run that is not whole: ${String(error)}`),
    );
  for (const store of ["store", "pipeline-store"].filter((name) => existsSync(join(at, name)))) {
    const { versions } = await listStore(join(at, store), undefined, {
      signal: new AbortController().signal,
    });
    wrong.push(
      ...versions.flatMap(({ path, damage }) => (damage === null ? [] : [`${path} is damaged: ${damage}`])),
    );
  }
  return wrong;
}

beforeAll(async () => {
  const began = performance.now();
  await embedOk(["--version"]);
  limit += 5 * (performance.now() - began);
});

/**
 * Runs a command once to its end, then again and again, with a signal at a random moment of that duration.
 *
 * @returns the problems
 */
async function trial(name: string, repeats: number): Promise<string[]> {
  const wrong: string[] = [];
  const random = mulberry32(Object.keys(COMMANDS).indexOf(name));
  const args = [name, ...COMMANDS[name]!];
  const at = (trialNumber: number): string => {
    const copy = join(folder, `${name}-${trialNumber}`);
    cpSync(join(folder, "prepared"), copy, { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(copy, "tmp"));
    return copy;
  };
  const untouched = at(0);
  const began = performance.now();
  const { code, stderr } = await embed(args, { cwd: untouched });
  const duration = performance.now() - began;
  if (code !== 0) wrong.push(`${name} ends with ${code}: ${stderr}`);
  rmSync(untouched, { recursive: true });
  for (let i = 1; i <= repeats; i++) {
    const [signal, after] = [
      pick(["SIGHUP", "SIGINT", "SIGTERM"] as const, random),
      between(0, duration, random),
    ];
    const place = at(i);
    const ended = await signalled(place, args, signal, after);
    const found = await complaints(place, ended, signal);
    wrong.push(...found.map((text) => `${name}, ${signal} after ${after.toFixed(0)} ms: ${text}`));
    rmSync(place, { recursive: true });
  }
  return wrong;
}

test("every command is known here", () => {
  expect(Object.keys(COMMANDS).sort()).toEqual(commands.map(({ name }) => name).sort());
});

test("a signal at a random moment ends any command within two seconds, with a word, and leaves nothing half written", async () => {
  if (!isWhole) console.log("7 commands, a signal each; EMBED_TEST_SIGNALS=20 gives each command twenty");
  await prepare(join(folder, "prepared"));
  const names = Object.keys(COMMANDS);
  const random = mulberry32(15);
  const chosen = isWhole
    ? names
    : Array.from({ length: 7 }, () => names.splice(Math.floor(random() * names.length), 1)[0]!);
  const wrong: string[] = [];
  // two workers run the commands in parallel
  const workers = [0, 1].map(async () => {
    for (let name = chosen.shift(); name !== undefined; name = chosen.shift())
      wrong.push(...(await trial(name, isWhole ? times : 1)));
  });
  await Promise.all(workers);
  expect(wrong).toEqual([]);
}, 3_600_000);

describe("in the middle of a loop of half a minute", () => {
  const run = join(folder, "loop");
  const args = ["evaluate", run, "--on", fixture("clicks.csv"), "--bootstrap", "2000000"];

  beforeAll(async () => {
    await embedOk(["train-fm", fixture("clicks.csv"), "-o", run, "--epochs", "1", "--quiet"]);
  });

  test("SIGHUP is acknowledged at once and ends the command with 129", async () => {
    const { code, took, stderr } = await signalled(folder, args, "SIGHUP", 2500);
    expect({ code, stderr }).toEqual({
      code: 129,
      stderr: expect.stringMatching(
        /^embed: SIGHUP: stopping: no output was written; an existing output is unchanged$/m,
      ),
    });
    expect(took).toBeLessThan(limit);
  });

  test("a piped log that is refused half-way is not read to its end", async () => {
    const clicks = readFileSync(fixture("clicks.csv"), "utf8");
    const log = `${clicks}${clicks.replace("click,", "click?,").repeat(4)}`;
    const { code, stderr } = await embed(["encode", "-", "-o", join(folder, "piped")], { input: log });
    expect({ code, stderr }).toEqual({
      code: 65,
      stderr: expect.stringContaining("-:12002: column 'click'"),
    });
  });

  test("a log that nobody writes to does not keep the program", async () => {
    await shell("mkfifo pipe", { cwd: folder });
    const { code, by, took } = await signalled(folder, ["inspect", "pipe"], "SIGINT", 1500);
    expect([130, "SIGINT"]).toContain(code ?? by);
    expect(took).toBeLessThan(limit);
  });
});
