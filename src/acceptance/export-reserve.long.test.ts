// `embed export --reserve` for the table of every trainer. An export of several fields contains each field as an export
// of that field does.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { readSafetensors } from "../table/safetensors.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseNpy } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { trainers, writePlanted } from "../testing/trainers.js";
import { trainInProcess } from "../testing/training-commands.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

interface Summary {
  rows: number;
  unknownKeys: Record<string, string>;
}

/** Runs `embed export` on a run, and returns the command's summary. */
async function exported(run: string, out: string, ...extra: string[]): Promise<Summary> {
  const { stdout } = await embedOk(["export", run, "-o", at(out), "--force", "--json", ...extra]);
  return parseJson<Summary>(stdout);
}

function npy(folderOfFiles: string): { keys: string[]; vectors: number[][] } {
  const { shape, values } = parseNpy(readFileSync(join(at(folderOfFiles), "vectors.npy")));
  const [rows = 0, dim = 0] = shape;
  const keys = readFileSync(join(at(folderOfFiles), "keys.txt"), "utf8")
    .trimEnd()
    .split("\n");
  return {
    keys: keys.map((line) => parseJson<string>(line)),
    vectors: Array.from({ length: rows }, (_, r) => values.slice(r * dim, (r + 1) * dim)),
  };
}

const meanOf = (vectors: number[][]) =>
  vectors[0]!.map((_, d) => vectors.reduce((sum, vector) => sum + vector[d]!, 0) / vectors.length);

/**
 * The row of unknown items in an export, by trainer, if no item of the training was rare: a trained vector, or the mean
 * of the items' vectors; zeros for all other trainers.
 */
const expected: Record<string, string> = {
  "train-fm --method mcmc": "trained",
  "train-two-tower": "mean",
  "train-item2vec": "mean",
  "train-graph": "mean",
  "train-graph --method line": "mean",
  "train-graph --method eges": "mean",
};
const ofItems = trainers.filter(({ name }) => !["train-gbdt", "train-pca --matrix columns"].includes(name));

test.each(ofItems.map((row) => [row.name, row] as const))(
  "%s: the rows of known keys are unchanged, and the summary says what unknown ones get",
  async (name, { command, log, columns, small }) => {
    const run = at(name.replaceAll(" ", ""));
    await trainInProcess(command, [writePlanted(folder, log, 600), ...columns, ...small, "-o", run]);
    await exported(run, "plain", "--format", "npy", "--field", "item_id");
    const plain = npy("plain");
    for (const [scheme, padding, unknown] of [
      ["keras", 0, 1],
      ["pytorch", 1, 0],
    ] as const) {
      const how = ["--format", "npy", "--field", "item_id", "--reserve", scheme];
      const { unknownKeys, rows } = await exported(run, "reserved", ...how);
      const { keys, vectors } = npy("reserved");
      expect([rows, keys.slice(0, 2), keys.slice(2)]).toEqual([plain.keys.length + 2, ["", ""], plain.keys]);
      expect(vectors.slice(2)).toEqual(plain.vectors);
      expect(vectors[padding]!.every((x) => x === 0)).toBe(true);
      const kind = expected[name] ?? "zeros";
      expect(unknownKeys).toEqual({ item_id: kind });
      const [found, mean] = [vectors[unknown]!, meanOf(plain.vectors)];
      expect(found.some((x) => x !== 0)).toBe(kind !== "zeros");
      const away = Math.max(...found.map((x, d) => Math.abs(x - mean[d]!)));
      expect(away < 1e-6 || kind !== "mean").toBe(true);
      expect(parseJson(readFileSync(join(at("reserved"), "reserve.json"), "utf8"))).toEqual({
        ...{ reserve: scheme, padding, outOfVocabulary: unknown, unknownKeys },
      });
    }
  },
);

test("rare keys' trained row, entities' mean; leaves and numbers have no unknown keys", async () => {
  const clicks = fixture("clicks.csv");
  await embedOk(["train-fm", clicks, "-o", at("rare"), "--min-count", "60", "--epochs", "1"]);
  const how = ["--format", "npy", "--reserve", "keras"];
  expect((await exported(at("rare"), "x", ...how, "--field", "item")).unknownKeys).toEqual({
    item_id: "trained",
  });
  await embedOk(["train-gbdt", clicks, "-o", at("trees"), "--num-trees", "3", "--entity", "item_id"]);
  expect((await exported(at("trees"), "x", ...how, "--field", "item_id")).unknownKeys).toEqual({
    item_id: "mean",
  });
  const leaves = await embed(argv`export ${at("trees")} ${how} --table leaves --field leaf -o ${at("no")}`);
  expect([leaves.code, leaves.stderr]).toEqual([
    64,
    expect.stringMatching(/its rows are leaves.*embed transform/),
  ]);
  const numbers = writePlanted(folder, "numbers", 600);
  await trainInProcess(
    "train-pca",
    argv`${numbers} --numeric a,b,c,d,e,f --matrix columns
      -o ${at("columns")}`,
  );
  const { stderr } = await embedOk(argv`export ${at("columns")} ${how} --field a -o ${at("x")} --force`);
  expect(stderr).toContain("--reserve adds no rows");
});

describe("several fields", () => {
  const both = ["--field", "item", "--field", "user_id", "--field", "user"];
  const reserve = ["--reserve", "keras"];
  const run = () => at("fm");

  beforeAll(async () => {
    await embedOk(["train-fm", fixture("clicks.csv"), "-o", run(), "--min-count", "60", "--epochs", "1"]);
  });

  test("npy has a folder for each, with the files of the field alone, and --force replaces nothing else", async () => {
    await exported(run(), "layers", "--format", "npy", ...both, ...reserve, "--with-weight");
    for (const field of ["user_id", "item_id"]) {
      await exported(run(), "alone", "--format", "npy", "--field", field, ...reserve, "--with-weight");
      for (const file of ["vectors.npy", "keys.txt", "weights.npy"])
        expect(readFileSync(join(at("layers"), field, file))).toEqual(readFileSync(join(at("alone"), file)));
    }
    expect(parseJson(readFileSync(join(at("layers"), "layers.json"), "utf8"))).toEqual({
      fields: ["user_id", "item_id"],
    });
    expect(existsSync(join(at("layers"), "device"))).toBe(false);
    await exported(run(), "layers", "--format", "npy", "--field", "item", "--field", "device");
    expect(existsSync(join(at("layers"), "user_id"))).toBe(false);
    writeFileSync(join(at("layers"), "device", "mine"), "");
    const refused = await embed(["export", run(), "--format", "npy", ...both, "-o", at("layers"), "--force"]);
    expect([refused.code, refused.stderr]).toEqual([73, expect.stringContaining("'device/mine'")]);
  });

  test("npz and safetensors have the arrays of each, named by it", async () => {
    await exported(run(), "layers.npz", "--format", "npz", ...both, "--reserve", "fuxictr");
    await exported(run(), "layers.st", "--format", "safetensors", ...both, ...reserve);
    const arrays = unzipSync(readFileSync(at("layers.npz")));
    const tensors = readSafetensors(readFileSync(at("layers.st")), "layers.st");
    for (const field of ["user_id", "item_id"]) {
      await exported(run(), "alone.npz", "--format", "npz", "--field", field, "--reserve", "fuxictr");
      const alone = unzipSync(readFileSync(at("alone.npz")));
      for (const name of ["key", "value"])
        expect(arrays[`${field}.${name}.npy`]).toEqual(alone[`${name}.npy`]);
      await exported(run(), "alone.st", "--format", "safetensors", "--field", field, ...reserve);
      for (const [name, tensor] of readSafetensors(readFileSync(at("alone.st")), "alone.st"))
        expect(tensors.get(`${field}.${name}`)).toEqual(tensor);
    }
    expect([tensors.size, Object.keys(arrays).length]).toEqual([8, 5]);
  });

  test("formats with a column of fields, and those of one key column, have the rows of all of them in the table's order", async () => {
    const stdout = async (...extra: string[]) => (await embedOk(["export", run(), ...extra])).stdout;
    const all = (await stdout("--format", "csv")).split("\n");
    const some = (await stdout("--format", "csv", ...both)).split("\n");
    expect(some).toEqual(all.filter((line) => !/^(device|hour),/.test(line)));
    expect(some.length).toBeLessThan(all.length);
    const words = (await stdout("--format", "glove", ...both)).trimEnd().split("\n");
    expect(words).toHaveLength(some.length - 2);
    expect(words.every((line) => /^(user_id|item_id):/.test(line))).toBe(true);
    const faiss = await embed(["export", run(), "--format", "faiss", ...both, ...reserve, "-o", at("f")]);
    expect([faiss.code, faiss.stderr]).toEqual([64, expect.stringContaining("needs one field")]);
  });

  test("a name that cannot be a folder, and one that is no field, are refused", async () => {
    mkdirSync(at("odd"));
    writeFileSync(at("odd/log.csv"), "label,a/b,item\n1,x,y\n0,z,w\n1,x,w\n0,z,y\n");
    await embedOk(argv`train-fm ${at("odd/log.csv")} -o ${at("odd/run")} --fields a/b,item --epochs 1`);
    const got = async (...fields: string[]) => {
      const { code, stderr } = await embed(argv`export ${at("odd/run")} --format npy ${fields}
          -o ${at("odd/x")}`);
      return [code, stderr];
    };
    expect(await got("--field", "a/b", "--field", "item")).toEqual([
      64,
      expect.stringContaining('"a/b", which has a slash'),
    ]);
    expect(await got("--field", "item", "--field", "itm")).toEqual([
      64,
      expect.stringContaining('Did you mean "item"?'),
    ]);
  });
});
