// Principal components of `embed train-pca` agree with those of scikit-learn, which pca.py in fixtures/parity/ has
// written to pca.json. The logs are expected in ../shared/data.

import { keyAt } from "../log/keys.js";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../table/run-directory.js";
import { readSafetensors } from "../table/safetensors.js";
import { rowsOf } from "../table/table.js";
import { draw } from "../base/numeric/random.js";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { fixture, projectFolder } from "../testing/places.js";

const data = join(projectFolder, "..", "shared", "data");
const folder = temporaryFolder();
const [LEADING, SIGNS] = [32, 48];

interface Given {
  singularValues: number[];
  explainedVarianceRatio: number[];
  components: number[][];
  sketch: number[];
}

const parity = readJson<Record<string, Given>>(fixture(join("parity", "pca.json")));
const given = (name: string): Given => parity[name]!;

async function trained(name: string, args: readonly string[]) {
  const path = join(folder, name);
  await embedOk(["train-pca", ...args, "-o", path, "--quiet"]);
  const run = await openRun(path);
  const tensors = readSafetensors(await run.readModelFile("pca.safetensors"), "pca.safetensors");
  const get = (tensor: string) => tensors.get(tensor)!.data as Float32Array;
  return { table: await run.readTable(), get };
}

function largestRelative(got: ArrayLike<number>, wanted: readonly number[]): number {
  expect(got).toHaveLength(wanted.length);
  return wanted.reduce((most, x, d) => Math.max(most, Math.abs(got[d]! / x - 1)), 0);
}

function testOn(log: string): jest.It {
  const isThere = existsSync(join(data, log));
  if (!isThere) console.log(`skipped: no ${log} in ${data}`);
  return isThere ? test : test.skip;
}

testOn("adult").each([
  ["adult", []],
  ["adult, scaled", ["--scale"]],
])("%s: values, ratios and components are scikit-learn's to 1e-5", async (name, flags) => {
  const wanted = given(name);
  const { get } = await trained(name, [join(data, "adult", "train.csv"), "--matrix", "columns", ...flags]);
  expect(largestRelative(get("singularValues"), wanted.singularValues)).toBeLessThan(1e-5);
  expect(largestRelative(get("explainedVarianceRatio"), wanted.explainedVarianceRatio)).toBeLessThan(1e-5);
  const components = get("components");
  const dim = wanted.singularValues.length;
  wanted.components.forEach((component, d) => {
    const product = component.reduce((sum, x, c) => sum + x * components[c * dim + d]!, 0);
    expect(Math.abs(product)).toBeGreaterThan(1 - 1e-5);
  });
});

testOn("gowalla").each([
  ["gowalla", ["--normalize", "none"]],
  ["gowalla, centred", ["--center"]],
])(
  "%s: 64 values are scikit-learn's to 1e-3, and the first 32 components span its space to an angle of 1e-2",
  async (name, flags) => {
    const wanted = given(name);
    const log = [join(data, "gowalla", "train.csv"), "--values", "counts"];
    const { table, get } = await trained(name, [...log, ...flags]);
    expect(largestRelative(get("singularValues"), wanted.singularValues)).toBeLessThan(1e-3);
    expect(largestRelative(get("explainedVarianceRatio"), wanted.explainedVarianceRatio)).toBeLessThan(1e-3);

    // computes G'V: V has a row with the leading components of each item, and G a row of random signs, drawn by the
    // item's key
    const components = get("components");
    const { first, last } = rowsOf(table, "item");
    const projected = new Float64Array(SIGNS * LEADING);
    for (let row = first; row < last; row++) {
      const item = Number(keyAt(table.keys, row));
      for (let s = 0; s < SIGNS; s++) {
        const sign = 1 - 2 * (draw(s, item) & 1);
        for (let d = 0; d < LEADING; d++)
          projected[s * LEADING + d]! += sign * components[(row - first) * table.dim + d]!;
      }
    }
    // subtracts G'WW'G from G'VV'G, where V are our components, W those of scikit-learn, and G random signs: the mean
    // square of the elements off the diagonal is twice the sum of the squared sines of the angles between both subspaces
    let squares = 0;
    for (let s = 0; s < SIGNS; s++) {
      for (let t = 0; t < s; t++) {
        let product = 0;
        for (let d = 0; d < LEADING; d++)
          product += projected[s * LEADING + d]! * projected[t * LEADING + d]!;
        squares += (product - wanted.sketch[s * SIGNS + t]!) ** 2;
      }
    }
    const sines = Math.sqrt(squares / SIGNS / (SIGNS - 1));
    expect(sines).toBeLessThan(1e-2);
  },
);
