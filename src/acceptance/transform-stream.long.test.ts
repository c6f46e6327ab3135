// transform --fold-in - --stream: returns each user's vector as soon as the user's rows are complete, with the same
// bytes as for the whole log.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture, program } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** Returns a fixture's rows grouped by user, for users that no run knows. */
function grouped(name: string, user: string): { header: string; groups: string[][] } {
  const [header, ...lines] = readFileSync(fixture(name), "utf8").trimEnd().split("\n");
  const column = header!.split(",").indexOf(user);
  const groups = new Map<string, string[]>();
  for (const line of lines) {
    const cells = line.split(",");
    cells[column] = `new-${cells[column]}`;
    groups.set(cells[column], [...(groups.get(cells[column]) ?? []), cells.join(",")]);
  }
  return { header: header!, groups: [...groups.values()] };
}
const purchases = grouped("purchases.csv", "customer_id");
const ratings = grouped("ratings.csv", "user_id");
/** Some of the users with their first rows, for models that compute the vector of a user by many steps. */
const someUsers = { ...purchases, groups: purchases.groups.slice(0, 60).map((rows) => rows.slice(0, 10)) };
const textOf = ({ header, groups }: typeof purchases): string => `${[header, ...groups.flat()].join("\n")}\n`;

const small = "--dim 6 --threads 1 --quiet".split(" ");
const runs: Record<string, { train: string[]; of: typeof purchases }> = {
  towers: { train: ["train-two-tower", fixture("purchases.csv"), "--epochs", "2"], of: purchases },
  others: {
    train: [
      ..."train-two-tower FILE --history others --user-tower 8 --user-fields channel --epochs 2"
        .replace("FILE", fixture("purchases.csv"))
        .split(" "),
    ],
    of: purchases,
  },
  item2vec: { train: ["train-item2vec", fixture("purchases.csv"), "--epochs", "2"], of: purchases },
  als: { train: ["train-als", fixture("purchases.csv"), "--epochs", "2"], of: purchases },
  pca: { train: ["train-pca", fixture("purchases.csv"), "--matrix", "interactions"], of: purchases },
  bpr: { train: ["train-ranking", fixture("purchases.csv"), "--epochs", "2"], of: someUsers },
  fm: {
    train: ["train-fm", fixture("ratings.csv"), "--label", "rating", "--epochs", "2"],
    of: ratings,
  },
};

beforeAll(async () => {
  for (const [name, { train }] of Object.entries(runs)) await embedOk([...train, "-o", at(name), ...small]);
});

describe.each(Object.entries(runs))("%s", (name, { of }) => {
  const whole = ["transform", at(name), "--fold-in", "-", "--field", "user"];
  test.each(["csv", "jsonl"])("a stream gives the bytes of the whole log, as %s", async (format) => {
    const input = textOf(of);
    const { bytes } = await embedOk([...whole, "--format", format], { input });
    const streamed = await embedOk([...whole, "--format", format, "--stream"], { input });
    expect(bytes.length).toBeGreaterThan(1000);
    expect(streamed.bytes.equals(bytes)).toBe(true);
    expect(streamed.stderr).toBe("");
  });
});

/** Runs the program with its standard input open; `read` waits for a number of lines. */
function running(args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { env: { PATH: "/usr/bin:/bin" } });
  const lines: string[] = [];
  let [rest, stderr] = ["", ""];
  let wake: () => void = () => undefined;
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on("data", (chunk: Buffer) => {
    const all = (rest + chunk.toString()).split("\n");
    rest = all.pop()!;
    lines.push(...all);
    wake();
  });
  const ended = new Promise<number | null>((resolve) =>
    child.on("close", (code) => {
      resolve(code);
      wake();
    }),
  );
  return {
    write: (text: string) => child.stdin.write(text),
    async read(count: number): Promise<string[]> {
      while (lines.length < count && child.exitCode === null)
        await new Promise<void>((resolve) => (wake = resolve));
      return lines.splice(0, count);
    },
    async end() {
      child.stdin.end();
      return { code: await ended, lines: lines.splice(0), stderr };
    },
  };
}

describe("standard input stays open", () => {
  const rows = purchases.groups;
  const keyOf = (line: string): string => line.slice(0, line.indexOf(","));
  test("a user comes once another's row, an empty line or the end follows; an empty line is answered", async () => {
    const { stdout } = await embedOk(["transform", at("towers"), "--fold-in", "-"], {
      input: textOf(purchases),
    });
    const vectors = new Map(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => [keyOf(line), line]),
    );
    const key = (g: number) => keyOf(rows[g]![0]!);
    const stream = running(["transform", at("towers"), "--fold-in", "-", "--stream"]);

    stream.write(`${purchases.header}\n${rows[0]!.join("\n")}\n${rows[1]![0]}\n`);
    expect(await stream.read(2)).toEqual([vectors.get("customer_id"), vectors.get(key(0))]);
    // sends a line of the stream in two pieces
    const second = `${rows[1]!.slice(1).join("\n")}\n`;
    stream.write(second.slice(0, 30));
    stream.write(second.slice(30));
    stream.write("\n");
    expect(await stream.read(2)).toEqual([vectors.get(key(1)), ""]);
    stream.write("\n");
    expect(await stream.read(1)).toEqual([""]);
    stream.write("stranger,nothing,none,web,2024-03-04T00:00:00Z\n\n");
    expect(await stream.read(1)).toEqual([""]);
    // sends a last line without a line end
    stream.write(rows[2]!.join("\n"));
    const { code, lines, stderr } = await stream.end();
    expect([code, lines]).toEqual([0, [vectors.get(key(2))]]);
    expect(stderr).toContain(`1 of 4 groups of rows with the same 'customer_id' have no vector: "stranger"`);
  });

  test("rows that come back give a vector of their own, and the summary counts them", async () => {
    const [first, ...more] = rows[0]!;
    const input = [purchases.header, first!, ...rows[1]!, ...more, ""].join("\n");
    const args = ["transform", at("towers"), "--fold-in", "-", "--stream"];
    const { stdout, stderr } = await embedOk([...args, "--json", "-o", at("again.csv")], { input });
    const { rows: written, warnings } = JSON.parse(stdout) as { rows: number; warnings: string[] };
    expect(written).toBe(3);
    const text = /1 of 3 groups of rows repeat an earlier 'customer_id' .*sort the rows by 'customer_id'/;
    expect(warnings).toEqual([expect.stringMatching(text)]);
    expect(stderr).toMatch(text);
    expect(readFileSync(at("again.csv"), "utf8").split("\n").map(keyOf).slice(1, 4)).toEqual([
      keyOf(first!),
      keyOf(rows[1]![0]!),
      keyOf(first!),
    ]);
  });

  test("users whom a run of users knows have no new vector, and are counted", async () => {
    const input = readFileSync(fixture("purchases.csv"), "utf8").split("\n").slice(0, 2).join("\n");
    const { stdout, stderr } = await embedOk(["transform", at("als"), "--fold-in", "-", "--stream"], {
      input,
    });
    expect(stdout).toMatch(/^customer_id,bias,v0.*\n$/);
    expect(stderr).toMatch(/skipped 1 of 1 groups of rows whose 'customer_id' is already in the run/);
  });
});

describe("rows", () => {
  const args = ["transform", at("towers"), "--fold-in", "-", "--stream"];
  const line = (user: string, rest = "garden-08,Dune,web,2024-03-04T00:00:00Z"): string => `${user},${rest}`;
  const head = purchases.header;

  test("JSON lines: members may be missing once they were there, and an object without the user is refused", async () => {
    const objects = [
      { customer_id: "a", product_id: "garden-08", channel: "web", purchased_at: "2024-03-04" },
      { customer_id: "b", product_id: "garden-05", purchased_at: "2024-03-04" },
    ];
    const text = objects.map((object) => JSON.stringify(object)).join("\n");
    const jsonl = ["--input-format", "jsonl"];
    const towers = ["transform", at("others"), "--fold-in", "-", ...jsonl];
    const whole = await embedOk(towers, { input: text });
    expect((await embedOk([...towers, "--stream"], { input: text })).stdout).toBe(whole.stdout);
    expect(whole.stdout.split("\n").length).toBe(4);
    const input = `${text}\n{"customer":"c","product_id":"garden-08"}\n`;
    const { code, stderr } = await embed([...args, ...jsonl], { input });
    expect([code, stderr]).toEqual([65, expect.stringMatching(/-:3: the object has no 'customer_id'/)]);
  });

  test("quoted users go over commas and lines", async () => {
    const users = ['"a,\n""b"""', '"a,\n""b"""', "c"];
    const input = `${[head, ...users.map((user) => line(user))].join("\r\n")}\r\n`;
    const whole = await embedOk(args.slice(0, -1), { input });
    expect((await embedOk(args, { input })).stdout).toBe(whole.stdout);
    expect(whole.stdout).toContain('\n"a,\n""b""",');
  });

  test("a bad row ends the stream with its line, once the users before it are written; skipped ones are counted", async () => {
    const bad = line("b", "garden-08,Dune,web,yesterday");
    const input = `${[head, "", line("a"), bad, line("c"), line("d")].join("\n")}\n`;
    const failed = await embed(args, { input });
    expect([failed.code, failed.stdout.split("\n").map((text) => text[0])]).toEqual([65, ["c", undefined]]);
    expect(failed.stderr).toMatch(/-:4: column 'purchased_at': expected a time/);
    const skip = [...args, "--on-bad-row", "skip"];
    const skipped = await embed([...skip, "--max-bad", "0.5"], { input });
    expect([skipped.code, skipped.stdout.match(/^[a-d],/gmu)]).toEqual([0, ["a,", "c,", "d,"]]);
    expect(skipped.stderr).toMatch(/skipped 1 bad row \(purchased_at: expected a time/);
    const many = await embed(skip, { input });
    expect([many.code, many.stderr]).toEqual([
      65,
      expect.stringMatching(/1 of 4 rows are bad, --max-bad allows 1%/),
    ]);
  });

  test.each([
    ["no rows", [], "", 65, /the file is empty/],
    ["a header alone", [], `${head}\n`, 65, /the file has a header but no rows/],
    [
      "another column",
      [],
      "user,product_id\na,b\n",
      64,
      /no column 'customer_id'.*columns are: user, product_id/,
    ],
    [
      "items",
      ["--field", "item"],
      `${head}\n`,
      64,
      /--stream cannot be combined with --field item: it writes vectors of users/,
    ],
    [
      "a format of whole files",
      ["--format", "parquet"],
      `${head}\n`,
      64,
      /--stream needs --format csv, jsonl, got/,
    ],
    [
      "bad rows in a file",
      ["--on-bad-row", "skip", "--bad-rows", "x"],
      `${head}\n`,
      64,
      /--stream cannot be combined with --bad-rows FILE/,
    ],
    [
      "two inputs",
      ["--fold-in", "x.csv"],
      `${head}\n`,
      64,
      /--stream needs a single input, such as --fold-in -/,
    ],
    [
      "sparse text",
      ["--input-format", "libsvm"],
      "1 2:3\n",
      64,
      /--stream needs CSV or JSON lines, got libsvm/,
    ],
  ] as const)("%s is refused", async (_, more, input, code, message) => {
    const found = await embed([...args, ...more], { input });
    expect([found.code, found.stderr]).toEqual([code, expect.stringMatching(message)]);
    expect(found.stdout).toBe("");
  });

  test("--stream without --fold-in, and a run whose vectors depend on the rest of the log, are refused", async () => {
    const rows = await embed(["transform", at("fm"), fixture("ratings.csv"), "--stream"]);
    expect([rows.code, rows.stderr]).toEqual([64, expect.stringMatching(/--stream needs --fold-in LOG/)]);
    await embedOk(argv`train-fm ${fixture("purchases.csv")} --negatives 2 --epochs 1 -o ${at("drawn")}
        ${small}`);
    const drawn = await embed(["transform", at("drawn"), "--fold-in", "-", "--stream"], {
      input: textOf(purchases),
    });
    expect([drawn.code, drawn.stderr]).toEqual([
      64,
      expect.stringMatching(
        /--stream cannot be used with run .*: its negatives depend on row positions in the log/,
      ),
    ]);
  });

  test("ids are hashed as in training", async () => {
    writeFileSync(at("secret"), "0123456789abcdef0123456789abcdef");
    const hashed = ["--hash-keys", at("secret")];
    await embedOk([...runs["towers"]!.train, ...hashed, "-o", at("hashed"), ...small]);
    const input = textOf(purchases);
    const whole = ["transform", at("hashed"), "--fold-in", "-", ...hashed];
    const { bytes } = await embedOk(whole, { input });
    const streamed = await embedOk([...whole, "--stream"], { input });
    expect(streamed.bytes.equals(bytes)).toBe(true);
    expect(streamed.stdout).not.toContain("new-");
  });
});
