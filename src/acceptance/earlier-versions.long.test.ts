// Runs, datasets and stores that earlier versions wrote (fixtures/earlier): this version reads them, exports the same
// numbers, measures the same metrics, and continues their trainings.

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";

const archives = join(projectFolder, "fixtures", "earlier");
const versions = readdirSync(archives).map((name) => name.replace(".zip", ""));

/**
 * Unpacks the files that an earlier version wrote. A zip contains no links, so the store's `latest` is created again.
 */
function unpacked(version: string): string {
  const folder = join(temporaryFolder(), version);
  const files = unzipSync(readFileSync(join(archives, `${version}.zip`)));
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  if (Object.keys(files).some((name) => name.startsWith("store/")))
    symlinkSync("000002", join(folder, "store", "shop", "latest"));
  return folder;
}

describe.each(versions)("version %s", (version) => {
  const cwd = unpacked(version);
  const expected = readdirSync(join(cwd, "expected"));
  const read = (name: string): string => readFileSync(join(cwd, "expected", name), "utf8");

  test("every run is exported as that version exported it", async () => {
    for (const name of expected.filter((file) => file.endsWith(".csv"))) {
      const run = name.replace(".csv", "");
      const { stdout } = await embedOk(["export", run, "--format", "csv"], { cwd });
      // removes the last column, the conditions that lead to a leaf, which exports of version 0.1.0 lack
      const numbers = (text: string) =>
        run === "gbdt" ? text.replaceAll(/^((?:[^,]*,){3}[^,\n]*).*$/gm, "$1") : text;
      expect({ run, text: numbers(stdout) }).toEqual({ run, text: numbers(read(name)) });
    }
    expect(expected.length).toBeGreaterThan(4);
  });

  test("every run that predicts has the metrics that it had then", async () => {
    for (const name of expected.filter((file) => file.endsWith(".json"))) {
      const run = name.replace(".json", "");
      const words = ["evaluate", run, "--on", "clicks.csv", "--bootstrap", "0", "--json"];
      const { stdout } = await embedOk(words, { cwd });
      const { metrics } = parseJson<{ metrics: Record<string, Record<string, number>> }>(stdout);
      const then = parseJson<Record<string, number>>(read(name));
      expect({ run, ...metrics["on"] }).toEqual({ run, ...then });
    }
  });

  test("a training goes on from its run and from its dataset", async () => {
    const small = ["--dim", "4", "--epochs", "1", "-o", "new", "--force"];
    await embedOk(["train-fm", "clicks.csv", "--init", "fm2", ...small], { cwd });
    await embedOk(["train-fm", "clicks.ds", ...small], { cwd });
  });

  if (version !== "0.1.0")
    test("its store lists, serves and takes a further version, and goes back", async () => {
      const latest = ["neighbors", "store/shop/latest", "--key", "item:tea-03", "--top", "1"];
      await embedOk(latest, { cwd });
      await embedOk(["publish", "fm2", "--store", "store", "--name", "shop"], { cwd });
      const { stdout } = await embedOk(["ls", "store", "--json"], { cwd });
      expect(stdout).toContain("000003");
      await embedOk(["rollback", "store/shop"], { cwd });
      await embedOk(latest, { cwd });
    });
});
