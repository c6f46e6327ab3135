import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changesLine, checkFinished, checkLog, logChanges, logWarnings } from "./log.js";

const file = (path: string, sha256 = path) => ({ path, sha256 });
const weeks = (...numbers: number[]) => numbers.map((number) => file(`w${number}.csv`));

describe("a log refuses", () => {
  test.each([
    [
      "a file that is there plain and compressed",
      ["a/w1.csv", "a/w2.csv", "a/w1.csv.gz"],
      65,
      "'a/w1.csv' and 'a/w1.csv.gz'",
    ],
    ["a file that two patterns match", ["w1.csv", "w1.csv"], 64, "log 'w1.csv' is matched twice"],
    [
      "what the store holds",
      ["store/items/000001/exports/items.csv"],
      64,
      "exports/items.csv' is an output of this pipeline ('store')",
    ],
    [
      "the copy of an export",
      ["w1.csv", "out.csv"],
      64,
      "log 'out.csv' is an output of this pipeline ('out.csv')",
    ],
  ])("%s", (_, paths, exitCode, message) => {
    const error: unknown = (() => {
      try {
        return checkLog(paths, ["store", "out.csv"]);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({ exitCode, message: expect.stringContaining(message) as string });
  });

  test("nothing else", () => checkLog(["w1.csv.gz", "w2.csv", "stored.csv"], ["store", "out.csv"]));
});

test("says which files are new, changed and gone since a version", () => {
  const now = [...weeks(2, 3), file("w4.csv", "other"), ...weeks(5)];
  const changes = logChanges(now, weeks(1, 2, 3, 4), "000007");
  expect(changes).toEqual({
    files: 4,
    since: "000007",
    new: ["w5.csv"],
    changed: ["w4.csv"],
    gone: ["w1.csv"],
  });
  expect(changesLine(changes)).toBe(
    "log: 4 files, since version 000007: 1 new (w5.csv), 1 changed (w4.csv), 1 gone (w1.csv)",
  );
  expect(changesLine(logChanges(weeks(1), weeks(1), "000007"))).toBe(
    "log: 1 file, since version 000007: none new",
  );
  expect(changesLine(logChanges(weeks(1), undefined, null))).toBe("log: 1 file");
});

test("warns of a file that is lost from the middle, not of the oldest ones, and of files with the same bytes", () => {
  const warnings = (now: { path: string; sha256: string }[]) =>
    logWarnings(now, logChanges(now, weeks(1, 2, 3, 4), "000001"));
  expect(warnings(weeks(3, 4, 5))).toEqual([]);
  expect(warnings(weeks(1, 2, 4))).toEqual([
    expect.stringMatching(/^w3.csv is missing from the log since version 000001/),
  ]);
  expect(warnings([...weeks(1, 2, 3, 4), file("w5.csv", "w4.csv")])).toEqual([
    expect.stringMatching(/^logs 'w4.csv' and 'w5.csv' have the same contents/),
  ]);
});

describe("a new file without a line end", () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "pipeline-log-"))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const check = async (older: string, added: string) => {
    const texts = { "w1.csv": older, "w2.csv": added };
    const logs = Object.entries(texts).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return { path: join(folder, name), bytes: text.length, sha256: name };
    });
    const now = weeks(1, 2);
    await checkFinished(logs, now, logChanges(now, weeks(1), "000001"));
  };

  test("is refused where the older ones have one", async () => {
    await expect(check("a,b\n1,2\n", "a,b\n1,2\n3,4")).rejects.toMatchObject({
      exitCode: 65,
      message: expect.stringContaining("w2.csv: the last line has no line end") as string,
    });
    await check("a,b\n1,2", "a,b\n1,2");
    await check("a,b\n1,2\n", "a,b\n1,2\n");
  });
});
