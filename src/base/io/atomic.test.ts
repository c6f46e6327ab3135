import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownFiles } from "./replaceable.js";
import { checkOutput, writeDirectory, writeFileAtomic } from "./atomic.js";
import { restoreInterrupted } from "./leftovers.js";

let parent: string;
let target: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "atomic-"));
  target = join(parent, "run");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const fill =
  (text: string) =>
  async (dir: string): Promise<void> => {
    mkdirSync(join(dir, "model"));
    writeFileSync(join(dir, "model", "w"), text);
    writeFileSync(join(dir, "mark"), text);
  };
const content = (): string => readFileSync(join(target, "model", "w"), "utf8");

/** Runs writeDirectory in a new process that kills itself at the given step. */
function killedAt(step: string): void {
  const script = `
    import { writeFileSync } from "node:fs";
    import { writeDirectory } from ${JSON.stringify(new URL("./atomic.js", import.meta.url).href)};
    await writeDirectory(${JSON.stringify(target)}, true, async (dir) => writeFileSync(dir + "/mark", "killed"), {
      onStep: (step) => { if (step === ${JSON.stringify(step)}) process.kill(process.pid, "SIGKILL"); },
    });`;
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  expect(signal).toBe("SIGKILL");
}

describe("writeDirectory", () => {
  test("leaves the whole directory and nothing beside it", async () => {
    await writeDirectory(target, false, fill("one"));
    expect(content()).toBe("one");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("refuses an existing target without force, and replaces it with force", async () => {
    await writeDirectory(target, false, fill("one"));
    await expect(writeDirectory(target, false, fill("two"))).rejects.toMatchObject({ exitCode: 73 });
    expect(content()).toBe("one");
    await writeDirectory(target, true, fill("two"));
    expect(content()).toBe("two");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("never deletes a directory that does not hold the marker", async () => {
    mkdirSync(target);
    writeFileSync(join(target, "thesis.tex"), "");
    const own = ownFiles("a thing", "mark", ["model/w"]);
    await expect(writeDirectory(target, true, fill("x"), { own })).rejects.toMatchObject({ exitCode: 73 });
    expect(readdirSync(target)).toEqual(["thesis.tex"]);
  });

  test("an error on the way removes the temporary and leaves the old one", async () => {
    await writeDirectory(target, false, fill("one"));
    const failing = writeDirectory(target, true, async () => {
      throw new RangeError("on purpose");
    });
    await expect(failing).rejects.toThrow("on purpose");
    expect(content()).toBe("one");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("an abort removes the temporary and leaves the old one", async () => {
    await writeDirectory(target, false, fill("one"));
    const abort = new AbortController();
    const aborted = writeDirectory(
      target,
      true,
      async (dir) => {
        await fill("two")(dir);
        abort.abort(new Error("interrupted"));
      },
      { signal: abort.signal },
    );
    await expect(aborted).rejects.toThrow("interrupted");
    expect(content()).toBe("one");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("whoever may not read the old one may not read the new one while it is written", async () => {
    await writeDirectory(target, false, fill("old"));
    chmodSync(target, 0o500);
    let mode = 0;
    await writeDirectory(target, true, async (dir) => {
      mode = statSync(dir).mode;
      await fill("new")(dir);
    });
    expect([mode & 0o777, statSync(target).mode & 0o777, content()]).toEqual([0o700, 0o500, "new"]);
  });

  test("errors of the file system on the way are IoErrors", async () => {
    const failing = writeDirectory(target, false, async (dir) => writeFileSync(join(dir, "no", "dir"), ""));
    await expect(failing).rejects.toMatchObject({ exitCode: 74 });
    expect(readdirSync(parent)).toEqual([]);
  });

  test("a disk that fills up is an IoError and leaves nothing", async () => {
    const disk = join(parent, "disk");
    mkdirSync(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      console.warn("skipped: cannot mount a small tmpfs here");
      return;
    }
    try {
      const failing = writeDirectory(join(disk, "run"), false, async (dir) =>
        writeFileSync(join(dir, "big"), new Uint8Array(1 << 20)),
      );
      await expect(failing).rejects.toMatchObject({
        exitCode: 74,
        message: expect.stringContaining("disk is full"),
      });
      expect(readdirSync(disk)).toEqual([]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

describe("a writer that is killed", () => {
  test("between the renames: the old directory is gone, and comes back when a command opens it", async () => {
    await writeDirectory(target, false, fill("one"));
    killedAt("old-aside");
    expect(existsSync(target)).toBe(false);
    expect(await restoreInterrupted(target)).toBeUndefined();
    expect(content()).toBe("one");
    await writeDirectory(target, true, fill("two"));
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("between the renames: the next write without force sees the old one and refuses", async () => {
    await writeDirectory(target, false, fill("one"));
    killedAt("old-aside");
    await expect(writeDirectory(target, false, fill("two"))).rejects.toMatchObject({ exitCode: 73 });
    expect(content()).toBe("one");
  });

  test("before or after the renames: one whole directory stands, and the next write sweeps the rest", async () => {
    await writeDirectory(target, false, fill("one"));
    killedAt("written");
    expect(content()).toBe("one");
    killedAt("in-place");
    expect(readFileSync(join(target, "mark"), "utf8")).toBe("killed");
    await writeDirectory(target, true, fill("two"));
    expect(content()).toBe("two");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("what a live writer or another machine left is left alone and named", async () => {
    const foreign = `.run.old-${process.pid}-00ff-elsewhere.example`;
    mkdirSync(join(parent, foreign));
    expect(await restoreInterrupted(target)).toBe(join(parent, foreign));
    await writeDirectory(target, false, fill("one"));
    expect(readdirSync(parent).sort()).toEqual([foreign, "run"]);
  });
});

describe("checkOutput", () => {
  test("a missing parent and a file in the way are OutputErrors before any work is done", async () => {
    await expect(checkOutput(join(parent, "no", "run"), false)).rejects.toMatchObject({ exitCode: 73 });
    writeFileSync(target, "");
    await expect(checkOutput(target, true)).rejects.toMatchObject({ exitCode: 73 });
    await expect(checkOutput(join(target, "run"), true)).rejects.toMatchObject({ exitCode: 73 });
    await expect(checkOutput(target, true, "file")).resolves.toBeUndefined();
    await expect(checkOutput(parent, true, "file")).rejects.toMatchObject({ exitCode: 73 });
  });
});

const chunks = (...texts: string[]): Uint8Array[] => texts.map((text) => Buffer.from(text));

describe("writeFileAtomic", () => {
  test("writes, refuses without force, replaces with force", async () => {
    await writeFileAtomic(target, chunks("a", "b"), false);
    await expect(writeFileAtomic(target, chunks("c"), false)).rejects.toMatchObject({ exitCode: 73 });
    expect(readFileSync(target, "utf8")).toBe("ab");
    await writeFileAtomic(target, chunks("c"), true);
    expect(readFileSync(target, "utf8")).toBe("c");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("an error among the chunks leaves the old file", async () => {
    await writeFileAtomic(target, chunks("old"), false);
    const broken = (function* () {
      yield Buffer.from("new");
      throw new RangeError("on purpose");
    })();
    await expect(writeFileAtomic(target, broken, true)).rejects.toThrow("on purpose");
    expect(readFileSync(target, "utf8")).toBe("old");
    expect(readdirSync(parent)).toEqual(["run"]);
  });

  test("a device is written through, not replaced; a full one is an IoError", async () => {
    if (!existsSync("/dev/full")) {
      console.warn("skipped: no /dev/full here");
      return;
    }
    await writeFileAtomic("/dev/null", chunks("x"), false);
    await expect(writeFileAtomic("/dev/full", chunks("x"), false)).rejects.toMatchObject({ exitCode: 74 });
  });
});
