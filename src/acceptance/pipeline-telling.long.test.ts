// The output of a weekly job: lines outside of a terminal, JSON, a metrics file for Prometheus, hooks; in cron's
// minimal environment.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { embed, embedOk, shell, temporaryFolder, type Running } from "../testing/embed.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { fixture, program } from "../testing/places.js";

const folder = temporaryFolder();
const [header, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
const yaml = `
store: store
log: log.csv
train: { items: { command: train-fm, dim: 4, epochs: 2, valid: 0.1 } }
gates: { before: { rows: { min: 500 } } }
`;

function place(name: string): string {
  const at = join(folder, name);
  mkdirSync(at);
  writeLog(at, 1000);
  writeFileSync(join(at, "shop.yaml"), yaml);
  return at;
}

function writeLog(at: string, n: number): void {
  writeFileSync(join(at, "log.csv"), `${[header, ...rows.slice(0, n)].join("\n")}\n`);
}

test("off a terminal there is a line where it starts, one a step and an epoch, and one where it ends", async () => {
  const { stderr } = await embedOk(["run", "shop.yaml"], { cwd: place("lines") });
  const shapes = [
    /^\d{4}-\d\d-\d\dT[\d:.]+Z shop: started by embed /,
    /^log: 1 file$/,
    /^encode: 1,000 rows \(\d+\.\d s\)$/,
    /^gate before items: 1 of 1 bounds hold \(/,
    /^items: epoch 1\/2: train loss /,
    /^items: epoch 2\/2: /,
    /^items: refit epoch 1\/\d: /,
    /^train items: 1,000 rows, refitted on all, valid logLoss [\d.]+ \(/,
    /^align items: skipped: no version to align to$/,
    /^gate after items: 1 of 1 bounds hold \(/,
    /^publish items: store\/items\/000001 \(/,
    /^\d{4}-.*Z shop: published items 000001 in \d+\.\d s$/,
  ];
  const lines = stderr.trimEnd().split("\n");
  // omits warnings, which may be printed between the lines
  const reported = lines.filter((line) => !line.startsWith("warning: "));
  expect(reported).toEqual(shapes.map((shape) => expect.stringMatching(shape) as string));
  expect(/\p{Cc}/u.test(lines.join(""))).toBe(false);
});

test("--log-format json makes each line an object, --json one of the whole run on stdout", async () => {
  const at = place("json");
  const { stderr, stdout } = await embedOk(["run", "shop.yaml", "--log-format", "json", "--json"], {
    cwd: at,
  });
  const events = jsonLines<Record<string, unknown>>(stderr);
  expect(events[0]).toMatchObject({ stage: "start", pipeline: "shop" });
  expect(events).toContainEqual(
    expect.objectContaining({ stage: "step", step: "train items", outcome: "done" }),
  );
  expect(events).toContainEqual(expect.objectContaining({ stage: "epoch", training: "items", epoch: 1 }));
  expect(events.at(-1)).toMatchObject({ stage: "end", outcome: "published", exitCode: 0 });
  expect(parseJson<object>(stdout)).toMatchObject({
    command: "run",
    outcome: "published",
    published: [{ name: "items", version: "000001" }],
  });
});

describe("--metrics-file and hooks", () => {
  const at = place("told");
  const hook = (name: string) => `env | grep ^EMBED_ | sort >${name}.txt; echo "told $EMBED_OUTCOME"`;
  const flags = ["--metrics-file", "embed.prom", "--on-success", hook("good"), "--on-failure", hook("bad")];
  const metrics = () => readFileSync(join(at, "embed.prom"), "utf8");
  const valueOf = (name: string) =>
    Number(new RegExp(`^embed_pipeline_${name}\\{[^}]*\\} (.*)$`, "m").exec(metrics())?.[1]);
  const reported = (name: string): Record<string, string> =>
    Object.fromEntries(
      readFileSync(join(at, `${name}.txt`), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );

  test("say how a run went", async () => {
    const { stderr, stdout } = await embedOk(["run", "shop.yaml", ...flags], { cwd: at });
    expect(stderr).toContain("told published\n");
    expect(stdout).toBe("store/items/000001\n");
    expect(reported("good")).toMatchObject({
      EMBED_PIPELINE: "shop",
      EMBED_EXIT_CODE: "0",
      EMBED_PUBLISHED: join(at, "store/items/000001"),
      EMBED_ERROR: "",
    });
    const report = readJson<object>(reported("good")["EMBED_MANIFEST"]!);
    expect(report).toMatchObject({ outcome: "published", exitCode: 0 });
    expect(valueOf("exit_code")).toBe(0);
    expect(valueOf("published")).toBe(1);
    expect(valueOf("last_success_timestamp_seconds")).toBeGreaterThan(1.7e9);
    expect(metrics()).toContain('embed_pipeline_step_rows{pipeline="shop",step="encode"} 1000\n');
    expect(metrics()).toContain(
      'embed_pipeline_gate_passed{pipeline="shop",training="items",gate="rows",bound="min 500"} 1\n',
    );
    // every line is a comment or a sample, and no sample is repeated
    const lines = metrics().trimEnd().split("\n");
    const sample = /^(# (HELP|TYPE) \w+ .+|\w+\{(\w+="([^"\\]|\\.)*",?)+\} (NaN|-?[\d.e+-]+))$/;
    expect(lines.filter((line) => !sample.test(line))).toEqual([]);
    const names = lines
      .filter((line) => !line.startsWith("#"))
      .map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(new Set(names).size).toBe(names.length);
  });

  test("say why it failed, and the time of the last success stays", async () => {
    const success = valueOf("last_success_timestamp_seconds");
    writeLog(at, 400);
    const { code } = await embed(["run", "shop.yaml", "--quiet", ...flags], { cwd: at });
    expect(code).toBe(81);
    expect(reported("bad")).toMatchObject({ EMBED_OUTCOME: "failed", EMBED_EXIT_CODE: "81" });
    expect(reported("bad")["EMBED_ERROR"]).toMatch(/gates failed/);
    expect(valueOf("exit_code")).toBe(81);
    expect(valueOf("gate_passed")).toBe(0);
    expect(valueOf("last_success_timestamp_seconds")).toBe(success);
  });

  test("a file that is not valid runs --on-failure too, and a hook that fails changes no exit code", async () => {
    writeFileSync(join(at, "shop.yaml"), "store: 1\n");
    expect((await embed(["run", "shop.yaml", ...flags], { cwd: at })).code).toBe(78);
    expect(reported("bad")).toMatchObject({ EMBED_EXIT_CODE: "78", EMBED_MANIFEST: "" });
    writeFileSync(join(at, "shop.yaml"), yaml);
    writeLog(at, 1000);
    const { stderr } = await embedOk(["run", "shop.yaml", "--on-success", "exit 3"], { cwd: at });
    expect(stderr).toContain("warning: --on-success ended with 3\n");
  });
});

test("works from cron: no HOME, no terminal, PATH of /usr/bin:/bin, another folder, nothing on stdin", async () => {
  const at = place("cron");
  const bare: Running = { cwd: "/" };
  const node = dirname(process.execPath);
  const line = `env -i PATH=/usr/bin:/bin "${join(node, "node")}" "${program}" run "${join(at, "shop.yaml")}" --quiet <&-`;
  const { code, stdout, stderr } = await shell(line, bare);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  // the log is so small that its model is bad, and cron mails the warnings about the published run
  expect(stderr).toMatch(
    /^warning: the model is worse than predicting the mean label [^\n]*\nwarning: nothing shows that the vectors mean anything[^\n]*\n$/,
  );
  expect(readFileSync(join(at, "store/items/latest/manifest.json"), "utf8")).toContain('"train-fm"');
});
