// Types docs/plays.md on the music service: neighbors share the planted genre more often with each fault that is removed.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { csvRows } from "../testing/lines.js";
import { jsonLines, music } from "../testing/music.js";
import { projectFolder } from "../testing/places.js";

const folder = temporaryFolder();
const { days, catalogue, genreOf } = music();
const page = readFileSync(join(projectFolder, "docs/plays.md"), "utf8");
/** Rows of the table: the run, and the share of neighbors of the same genre. */
const rows = [...page.matchAll(/^\| (\S+) .*\| ([\d.]+) +\|$/gm)].map(
  ([, run, share]) => [run!, share!] as const,
);

test("every block of the page runs", async () => {
  mkdirSync(join(folder, "plays"));
  for (const { date, hours } of days)
    for (const [hour, plays] of hours.entries())
      writeFileSync(
        join(folder, "plays", `${date}T${String(hour).padStart(2, "0")}.jsonl`),
        jsonLines(plays),
      );
  writeFileSync(join(folder, "tracks.csv"), catalogue);
  for (const [, block] of page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)) {
    const { code, stderr } = await shell(`set -e\n${block}`, { cwd: folder });
    expect({ block, code, stderr: code === 0 ? "" : stderr }).toEqual({ block, code: 0, stderr: "" });
  }
}, 180_000);

test("the shares of the table are those of the runs, and rise", async () => {
  const runs = rows.map(([run]) => run);
  const evaluated = await embedOk(
    ["evaluate", ...runs, "--labels", "tracks.csv:track_id", "--neighbors-by", "genre", "--json"],
    { cwd: folder },
  );
  const { metrics } = parseJson<{ metrics: Record<string, { sameLabelAt10: number }> }>(evaluated.stdout);
  expect(runs.map((run) => [run, metrics[run]!.sameLabelAt10.toFixed(3)])).toEqual(rows);
  const shares = rows.map(([, share]) => Number(share));
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares).toHaveLength(5);
});

test.each(["new.csv", "again.csv"])("half of the tracks of %s have the listener's genre", (name) => {
  const lists = csvRows(readFileSync(join(folder, name), "utf8"));
  const own = lists.filter(([user, , track]) => genreOf(user!) === genreOf(track!));
  expect(own.length / lists.length).toBeGreaterThan(0.5);
});
