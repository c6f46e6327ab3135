// embed train-item2vec: what an event counts.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embedOk } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";

const folder = mkdtempSync(join(tmpdir(), "embed-item2vec-events-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const tableOf = (run: string) => readFileSync(at(`${run}/embeddings.arrow`));
const DAY = 86_400;

/** An event as a line of the log. */
type Line = [basket: string, item: string, time: number, kind: string, weight: number];

function write(name: string, lines: readonly Line[]): string {
  writeFileSync(at(name), `basket,item,time,kind,factor\n${lines.map((l) => l.join(",")).join("\n")}\n`);
  return at(name);
}

/** Sessions of four items of a cluster, and an `x` that goes with cluster a in the first 300 and with b in the last 100. */
function movedItem(): Line[] {
  const random = mulberry32(5);
  return Array.from({ length: 400 }, (_, s): Line[] => {
    const isOld = s < 300;
    const cluster = s % 4 < 2 ? (isOld ? "a" : "b") : s % 4 === 2 ? "c" : "d";
    const items = Array.from({ length: 4 }, () => `${cluster}${Math.floor(between(0, 5, random))}`);
    if (cluster === "a" || cluster === "b") items.splice(2, 0, "x");
    const time = isOld ? s * 60 : 300 * DAY + s * 60;
    return items.map((item, i) => [`s${s}`, item, time + i, "buy", 3]);
  }).flat();
}

/** The clusters of x's nearest five. */
async function aroundX(run: string): Promise<string[]> {
  const { stdout } = await embedOk(["neighbors", at(run), "--key", "item:x", "--top", "5", "--json"]);
  const { neighbors } = parseJson<{ neighbors: { key: string }[] }>(stdout);
  return neighbors.map(({ key }) => key[0]!);
}

const flags = ["--session", "basket", "--item", "item", "--time", "time", "--dim", "16", "--epochs", "10"];
const train = async (log: string, run: string, more: string[]) =>
  await embedOk(["train-item2vec", log, ...flags, ...more, "-o", at(run)]);

test("weights that are all alike change no byte", async () => {
  const log = write("alike.csv", movedItem());
  await train(log, "plain", ["--ignore", "factor,kind"]);
  await train(log, "alike", ["--weight", "factor", "--event-weight", "kind:buy=2"]);
  expect(tableOf("alike").equals(tableOf("plain"))).toBe(true);
});

test("events that count 0 are in no session, as if they were not in the log", async () => {
  const random = mulberry32(9);
  const lines = movedItem();
  const views = lines.map(([, , time], i): Line => {
    const cluster = "abcd"[Math.floor(between(0, 4, random))]!;
    return [`s${Math.floor(i / 5)}`, `${cluster}${Math.floor(between(0, 5, random))}`, time, "view", 1];
  });
  const log = write("views.csv", [...lines, ...views]);
  const { stderr } = await train(log, "counted", ["--event-weight", "kind:buy=1,*=0", "--ignore", "factor"]);
  await train(log, "kept", ["--where", 'kind = "buy"', "--ignore", "factor,kind"]);
  expect(tableOf("counted").equals(tableOf("kept"))).toBe(true);
  expect(stderr).toContain(`${views.length} events of weight 0 left out`);
});

test("with a half-life an item is where its recent sessions are", async () => {
  const log = write("moved.csv", movedItem());
  await train(log, "ever", ["--ignore", "factor,kind"]);
  await train(log, "lately", ["--ignore", "factor,kind", "--half-life", "60d"]);
  expect(await aroundX("ever")).toEqual(["a", "a", "a", "a", "a"]);
  expect(await aroundX("lately")).toEqual(["b", "b", "b", "b", "b"]);
});
