// No command writes a file or a folder inside a run, a version, or a dataset, or over a file that it reads, by whatever
// spelling.

import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { outputOptions } from "../faces/cli/output-paths.js";
import { commands } from "../faces/cli/commands.js";
import { commandLines } from "../testing/command-line.js";
import { temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const embed = commandLines();
const LOG = fixture("clicks.csv");

/** Commands that write, up to their output. */
const lines = [
  ...[
    "export RUN --format csv",
    "export RUN --format fnn",
    "report RUN",
    "predict RUN LOG",
    "transform RUN LOG",
  ],
  ...[
    "neighbors RUN --key item:tea-03",
    "recall RUN --for item --k 3",
    "index RUN --field item",
    "encode LOG",
  ],
  ...[
    "align RUN --to RUN",
    "train-fm LOG",
    "train-pca LOG",
    "init LOG",
    "compare LOG",
    "lift LOG --init RUN --arch fnn",
  ],
  ...["import LOG --format csv", "gate RUN --bounds LOG"],
];
const others = ["inspect LOG --html", "inspect LOG --write-config", "evaluate RUN --on LOG --curve"];

const bytesOf = (run: string) =>
  readdirSync(run, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name)).toString("base64"));

beforeAll(async () => {
  expect(await embed(`train-fm ${LOG} --epochs 1 --quiet -o ${at("run")}`)).toMatchObject({ code: 0 });
  mkdirSync(at("links"));
  symlinkSync(at("run"), at("links/latest"));
  symlinkSync(at("log.csv"), at("linked.csv"));
  cpSync(at("run"), at("copy"), { recursive: true });
});

const all = [...lines.map((line) => `${line} --force -o`), ...others];

test.each(all)("%s of a path in a run is refused, and the run is as before", async (line) => {
  for (const out of [
    "run/embeddings.arrow",
    "links/latest/new",
    "links/../run/model/new",
    "run/model/../x",
  ]) {
    const typed = `${line} ${join(folder, "/").concat(out)}`
      .replaceAll("RUN", at("run"))
      .replaceAll("LOG", LOG);
    const { code, message } = await embed(typed);
    expect([code, message]).toEqual([64, expect.stringContaining(`is inside a run, '${at("run")}'`)]);
  }
  expect(bytesOf(at("run"))).toEqual(bytesOf(at("copy")));
});

test.each(all.filter((line) => line.includes("LOG")))(
  "%s of the log is refused, and the log is as before",
  async (line) => {
    cpSync(LOG, at("log.csv"));
    for (const out of ["log.csv", "links/../log.csv", "links/../linked.csv"]) {
      const typed = `${line} ${join(folder, "/").concat(out)}`
        .replaceAll("RUN", at("run"))
        .replaceAll("LOG", at("log.csv"));
      const { code, message } = await embed(typed);
      expect([code, message]).toEqual([64, expect.stringContaining("which is an input of this command")]);
    }
    expect(readFileSync(at("log.csv")).equals(readFileSync(LOG))).toBe(true);
  },
);

test("every option that names an output is checked", async () => {
  const found: string[] = [];
  for (const { name, load } of commands)
    for (const [option, { placeholder, help }] of Object.entries((await load()).options))
      if (
        /^(file|path|run|dir|dataset)$/.test(placeholder ?? "") &&
        /\bto write\b|\bwrite (a|the) .* to (it|this file)/.test(help)
      )
        if (!outputOptions.includes(option)) found.push(`${name} ${option}`);
  expect(found).toEqual([]);
});
