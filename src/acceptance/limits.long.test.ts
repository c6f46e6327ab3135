// Trainings under the limits of a shell, a cluster's node or a hosting account: `ulimit -v` and `ulimit -n`.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, shell, temporaryFolder, type ProgramOutput } from "../testing/embed.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const GIB = 1024 * 1024;

/** Trains in a shell with a limit, such as `-n 19` for `ulimit -n 19`. */
function train(limit: string, out: string, more = ""): Promise<ProgramOutput> {
  return shell(
    `ulimit ${limit} && embed train-fm '${fixture("clicks.csv")}' -o ${out} --epochs 1 --valid 0.1 --quiet ${more}`,
    { cwd: folder },
  );
}

/** Runs the test on Linux, where a process can read its limits, or skips it. */
const onLinux = process.platform === "linux" ? test : test.skip;
if (process.platform !== "linux")
  console.log("skipped: the limits of a process are looked at on Linux alone");

onLinux("16 GiB of addresses suffice at any number of threads, and give the same table", async () => {
  const log = fixture("clicks.csv");
  const [limited] = await Promise.all([
    train(`-v ${16 * GIB}`, "limited", "--threads 8"),
    embedOk(["train-fm", log, "-o", join(folder, "free"), "--epochs", "1", "--valid", "0.1", "--quiet"]),
  ]);
  expect(limited).toMatchObject({ code: 0, stderr: "" });
  const [ours, free] = ["limited", "free"].map((run) => readFileSync(join(folder, run, "embeddings.arrow")));
  expect(ours!.equals(free!)).toBe(true);
});

/**
 * Whether this is Node 20; later versions need less address space and fewer files, or fail before they load the
 * program.
 */
const isNode20 = process.version.startsWith("v20.");

onLinux.each([
  // where V8 aborted while it loaded the command
  [
    "-v 1540096",
    /^embed: 1 thread needs 1\.0 GiB of address space, .* leaves 0.*: `ulimit -v unlimited` removes the limit$/,
  ],
  [
    "-v 1048576",
    /^embed: 1 thread needs 1\.0 GiB of address space, .* leaves .*: `ulimit -v unlimited` removes the limit$/,
  ],
  [
    `-v ${8 * GIB}`,
    /^embed: the system refused the 10 GB of addresses .* NODE_OPTIONS=--disable-wasm-trap-handler takes 4 GB$/,
  ],
  ["-n 19", /^embed: too many files are open \(EMFILE\): raise the limit, for example `ulimit -n 4096`$/],
  [
    // the message may name a file or none, because it depends on the timing of threads where the limit is reached
    "-n 23",
    /^embed: (cannot read '.*': )?too many files are open \(EMFILE\)[:,] raise the limit of this process, for example `ulimit -n 4096`$/,
  ],
])("ulimit %s is 74 and says what to do", async (limit, message) => {
  if (!isNode20) return console.log(`skipped: what ulimit ${limit} allows is known of Node 20`);
  const { code, stderr } = await train(limit, "refused");
  expect({ code, stderr: stderr.trimEnd() }).toEqual({ code: 74, stderr: expect.stringMatching(message) });
});
