// The memory and disk space that a training needs are estimated before it starts, are close to what it uses, and are
// refused if they do not fit.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell, temporaryFolder, type ProgramOutput } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { mulberry32 } from "../testing/random.js";
import type { TrainingSummary } from "../training/session/summary.js";

const folder = temporaryFolder();
const GIB = 2 ** 30;

/** Number of rows of the log, nearly each of which has another user, so that vectors take most of the memory. */
const NUM_ROWS = 60_000;

beforeAll(() => {
  const random = mulberry32(1);
  const below = (n: number) => Math.floor(random() * n);
  const line = (row: number) => `${below(2)},u${below(45_000)},i${below(15_000)},${below(40)},${1e9 + row}`;
  const rows = Array.from({ length: NUM_ROWS }, (_, row) => line(row));
  writeFileSync(join(folder, "log.csv"), `click,user,item,hour,time\n${rows.join("\n")}\n`);
});

/** Runs a command in its own process, so that the memory of the process is that of the command. */
const run = (command: string, before = ""): Promise<ProgramOutput> =>
  shell(`${before}embed ${command}`, { cwd: folder });

const labelled = "--label click --ignore time";
const events = "--user user --item item --time time --ignore click,hour";

test.each([
  ["fm", `train-fm log.csv ${labelled} --epochs 1 --dim 128`],
  ["ffm", `train-fm log.csv ${labelled} --epochs 1 --dim 32 --model ffm`],
  ["mcmc", `train-fm log.csv ${labelled} --epochs 1 --dim 64 --method mcmc`],
  ["ranking", `train-ranking log.csv ${events} --epochs 1 --dim 128`],
  ["softmax", `train-ranking log.csv ${events} --epochs 1 --loss sampled-softmax --batch-size 4096`],
  ["als", `train-als log.csv ${events} --epochs 1 --dim 128`],
  ["pca", `train-pca log.csv ${events} --dim 16`],
  ["item2vec", `train-item2vec log.csv ${events} --epochs 1 --dim 128`],
  [
    "graph",
    "train-graph log.csv --source user --target item --epochs 1 --num-walks 1 --walk-length 10 --window 2 --dim 128",
  ],
  ["two-tower", `train-two-tower log.csv ${events} --epochs 1 --dim 128 --batch-size 4096 --negatives 64`],
  ["gbdt", `train-gbdt log.csv ${labelled} --num-trees 5`],
  ["net", `train-net log.csv ${labelled} --arch fnn --hidden 16 --epochs 1 --dim 64 --batch-size 4096`],
])(
  "the estimate for %s is within 1.5 times of the memory that it takes, and within 2 times of its disk",
  async (name, command) => {
    const { code, stdout, stderr } = await run(`${command} -o ${name} --threads 2 --json`);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const { memory, memoryTaken, disk, memoryAvailable } = parseJson<TrainingSummary>(stdout).needs!;
    expect(memoryAvailable).toBeGreaterThan(memory);
    expect(memory / memoryTaken).toBeGreaterThan(1 / 1.5);
    expect(memory / memoryTaken).toBeLessThan(1.5);
    const [, bytes] = /^(\d+)/.exec(execFileSync("du", ["-sb", name], { cwd: folder, encoding: "utf8" }))!;
    expect(disk / Number(bytes)).toBeGreaterThan(1 / 2);
    expect(disk / Number(bytes)).toBeLessThan(2);
    // a training that needs so little prints no estimate
    expect(stderr).not.toContain("needs about");
  },
  120_000,
);

/** Command-line words of a training with 4 million features of 64 dimensions. */
const large = `train-fm '${fixture("clicks.csv")}' --hash user_id:22 --dim 64 --epochs 1 -o large`;

test("a control group that is too small is 74 before training, with the dimension that fits", async () => {
  const group = `/sys/fs/cgroup/memory/embed-test-${process.pid}`;
  try {
    mkdirSync(group);
    writeFileSync(join(group, "memory.limit_in_bytes"), String(1.5 * GIB));
  } catch {
    return console.log("skipped: this process may not make a control group of version 1");
  }
  try {
    const { code, stderr } = await run(large, `echo $$ > ${group}/cgroup.procs && `);
    expect({ code, stderr }).toEqual({
      code: 74,
      stderr: expect.stringMatching(
        /^embed: this training needs about \d\.\d GiB of memory \(.* for the log, \d\.\d GiB more\), but the memory limit of this container or control group leaves 1\.\d GiB: --dim (16|8) needs .* more; --min-count/m,
      ),
    });
    expect(stderr).not.toMatch(/epoch/);
    const fitting = /--dim (\d+) needs/.exec(stderr)![1]!;
    const smaller = await run(
      large.replace(/--dim 64(.*)-o large/, `--dim ${fitting}$1-o fitting`),
      `echo $$ > ${group}/cgroup.procs && `,
    );
    expect(smaller).toMatchObject({ code: 0 });
  } finally {
    rmdirSync(group);
  }
}, 120_000);

test("a limit of addresses that is too small is 74 before training", async () => {
  // up to Node 22, a WebAssembly memory, which reserves 10 GB, does not fit; on Node 24, a second thread does not
  const { code, stderr } = await run(large, `ulimit -v ${(2 * GIB) / 1024} && `);
  expect(code).toBe(74);
  expect(stderr).not.toMatch(/epoch/);
  expect(stderr).toMatch(/ulimit -v/);
});

test("a disk that is too small is 74 before training", async () => {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    return console.log("skipped: cannot mount a small tmpfs here");
  }
  try {
    const { code, stderr } = await run(`train-als log.csv ${events} --epochs 1 -o disk/run`);
    expect({ code, stderr }).toEqual({
      code: 74,
      stderr: expect.stringMatching(
        /^embed: the run needs about \d+\.\d MiB of disk, but the disk of 'disk\/run' has .* free: /m,
      ),
    });
    expect(stderr).not.toMatch(/epoch/);
    expect(existsSync(join(disk, "run"))).toBe(false);
  } finally {
    execFileSync("umount", [disk]);
  }
});
