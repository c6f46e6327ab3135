// Tests --search on trainings whose metric is a formula of their options.

import { DivergedError, UsageError } from "../../base/errors.js";
import { searchGain } from "../../metrics/search-gain.js";
import { log } from "../../base/numeric/exp.js";
import { choice, number, whole, type OptionTable } from "../../options/table.js";
import { search, type SearchRequest, type SearchState, type Tried } from "./search.js";
import { SearchSpace, type SearchSetting } from "./search-space.js";

const group = "Training:";
const table = {
  kind: choice(["plain", "scaled"], {
    help: "",
    group,
    default: "plain",
    search: { among: () => ["plain", "scaled"] },
  }),
  dim: whole({
    min: 1,
    max: 1024,
    help: "",
    group,
    default: 16,
    search: { among: () => [4, 8, 16, 32, 64] },
  }),
  power: number({
    min: 0,
    max: 1,
    help: "",
    group,
    default: 0.5,
    only: { kind: ["scaled"] },
    search: { among: () => [0.25, 0.5, 0.75] },
  }),
  rate: number({ min: 1e-6, max: 1000, help: "", group, default: 0.1, search: { span: 8 } }),
  penalty: number({ min: 0, max: 10, help: "", group, default: 0.01, search: { span: 10 } }),
  both: number({ min: 0, max: 10, help: "", group, sets: ["penalty"] }),
} as const satisfies OptionTable;
const standard = { kind: "plain", dim: 16, power: 0.5, rate: 0.1, penalty: 0.01 };

/** Returns a loss with its minimum at dim 32, rate 0.3 and penalty 0.002. */
function lossOf(options: Record<string, unknown>): number {
  const at = (name: string, best: number) => log((options[name] as number) / best) ** 2;
  return 0.5 + 0.01 * (at("dim", 32) + at("rate", 0.3) + at("penalty", 0.002));
}

function trained(options: Record<string, unknown>, value = lossOf(options)): Tried {
  const sums = Float64Array.from({ length: 50 }, (_, row) => value + (row % 5) / 10 - 0.2);
  return {
    used: options,
    valid: { logLoss: value, auc: 0.5 },
    epochs: [{ epoch: 1, trainLoss: 1, validLoss: value, rowsPerSecond: 1, seconds: 1, best: true }],
    bestEpoch: 1,
    byUnit: () => Promise.resolve([{ name: "logLoss", sums }]),
  };
}

/** The states that the search reported, as JSON; a checkpoint stores the same. */
const saved: string[] = [];
const heard: string[] = [];
beforeEach(() => {
  saved.length = 0;
  heard.length = 0;
});

async function searched(changes: Partial<SearchRequest> = {}, timeLeft?: () => number) {
  return await search(
    {
      trials: 12,
      table,
      given: {},
      seed: 1,
      decided: [],
      comparedBy: () => "logLoss",
      tryOut: (setting) => Promise.resolve(trained({ ...standard, ...setting })),
      found: undefined,
      save: (state) => Promise.resolve(void saved.push(JSON.stringify(state))),
      ...changes,
    },
    {
      observe: (event) => void ("text" in event && heard.push(event.text)),
      signal: new AbortController().signal,
      timeLeft,
    },
  );
}

test("the default comes first, no setting twice, and the best setting is trained", async () => {
  const { lines, trials, setting, by } = await searched();
  expect(lines.map(({ trial }) => trial)).toEqual(Array.from({ length: 12 }, (_, t) => t + 1));
  expect(lines[0]!.options).toEqual({ kind: "plain", dim: 16, rate: 0.1, penalty: 0.01 });
  expect(new Set(lines.map(({ options }) => JSON.stringify(options))).size).toBe(12);
  const best = lines.find(({ chosen }) => chosen)!;
  expect(setting).toEqual(best.options);
  expect(Math.min(...lines.map(({ value }) => value!))).toBe(best.value);
  expect(trials[0]).toEqual({ ...best.options, epochs: 1, bestEpoch: 1, value: best.value });
  expect(by).toMatchObject({ metric: "logLoss", default: lossOf(standard) });
  // The difference from the default is the same in every row, so that its confidence interval has no width.
  expect(by.difference!.low).toBeCloseTo(by.difference!.value, 12);
});

test("a greater metric is better where it is one", async () => {
  const { lines } = await searched({ comparedBy: () => "auc", tryOut: aucOf });
  expect(lines.find(({ chosen }) => chosen)!.value).toBe(Math.max(...lines.map(({ value }) => value!)));

  function aucOf(setting: SearchSetting): Promise<Tried> {
    const options = { ...standard, ...setting };
    return Promise.resolve({ ...trained(options), valid: { auc: 1 - lossOf(options) } });
  }
});

test("settings that are expected to improve are better than as many that are spread", async () => {
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
  const least = (values: readonly number[]) => Math.min(...values);
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const near: number[] = [];
  const spread = seeds.map((seed) => {
    const space = new SearchSpace({ table, standard, isFixed: () => false, seed });
    const settings = Array.from({ length: 19 }, (_, t) => space.spread(t + 1, 19, [])!);
    return least([lossOf(standard), ...settings.map((setting) => lossOf({ ...standard, ...setting }))]);
  });
  for (const seed of seeds) {
    const { lines } = await searched({ trials: 20, seed });
    near.push(least(lines.map(({ value }) => value!)));
  }
  expect(mean(near) - 0.5).toBeLessThan(0.75 * (mean(spread) - 0.5));
});

test("goes on from where it was stopped, after each setting, to the same result", async () => {
  const whole = await searched();
  const states = [...saved];
  expect(states).toHaveLength(12);
  for (const text of states) {
    const found = JSON.parse(text) as SearchState;
    // A checkpoint stores the values by row as arrays, but JSON has converted them to objects.
    for (const metric of Object.values(found.units))
      metric.sums = Float64Array.from(Object.values(metric.sums));
    expect(await searched({ found })).toEqual(whole);
  }
});

test("a spread has a setting in each part of a range, and half of them within a quarter of it around the default", () => {
  const space = new SearchSpace({ table, standard, isFixed: () => false, seed: 3 });
  const rates = Array.from({ length: 8 }, (_, t) => space.spread(t + 1, 8, [])!["rate"] as number);
  const coordinates = rates.map((rate) => log(rate / 0.1) / log(8));
  const places = coordinates.map((z) => Math.floor(4 * (1 + Math.sign(z) * Math.sqrt(Math.abs(z)))));
  expect(places.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(coordinates.filter((z) => Math.abs(z) <= 1 / 4)).toHaveLength(4);
});

test("an option is drawn only beside those that it goes with", async () => {
  const { lines } = await searched();
  for (const { options } of lines) expect("power" in options).toBe(options["kind"] === "scaled");
  expect(lines.some(({ options }) => "power" in options)).toBe(true);
});

test("what is given stays as it is, also where another option sets it, and that is said", async () => {
  const { lines } = await searched({ given: { dim: 8, both: 0.5 } });
  for (const { options } of lines) expect(Object.keys(options)).not.toEqual(expect.arrayContaining(["dim"]));
  for (const { options } of lines) expect(options).not.toHaveProperty("penalty");
  expect(heard[0]).toBe("search: tries --kind, --power, --rate; --dim, --penalty as given");
  await expect(
    searched({ given: { kind: "plain", dim: 8, power: 0.5, rate: 1, penalty: 1 } }),
  ).rejects.toThrow("--search tunes --kind, --dim, --power, --rate, --penalty, but all of them are set");
});

test("a space of few settings ends early", async () => {
  const { lines } = await searched({ given: { kind: "plain", rate: 0.1, penalty: 0.01 }, trials: 9 });
  expect(lines).toHaveLength(5);
  expect(heard).toContain("search: there are no more than 5 different settings");
});

describe("settings that fail", () => {
  const failing = (fails: (setting: SearchSetting, t: number) => Error | undefined) => {
    let t = 0;
    return (setting: SearchSetting) => {
      const error = fails(setting, t++);
      return error ? Promise.reject(error) : Promise.resolve(trained({ ...standard, ...setting }));
    };
  };

  test("are left out and counted, diverged or refused", async () => {
    const tryOut = failing((_, t) =>
      t === 2 ? new DivergedError("too fast") : t === 4 ? new UsageError("too large") : undefined,
    );
    const { lines, warnings } = await searched({ tryOut });
    expect(lines.map(({ failed }) => failed).filter(Boolean)).toEqual(["too fast", "too large"]);
    expect(warnings[0]).toBe("2 of the 12 settings of --search failed, the first with: too fast");
  });

  test("all of them: the search fails", async () => {
    const tryOut = failing(() => new DivergedError("too fast"));
    await expect(searched({ tryOut })).rejects.toThrow(
      new DivergedError("all 12 settings of --search failed, the first with: too fast"),
    );
  });

  test("a metric that is NaN is a failure", async () => {
    const tryOut = (setting: SearchSetting) => Promise.resolve(trained({ ...standard, ...setting }, NaN));
    await expect(searched({ tryOut })).rejects.toThrow("the first with: log loss is NaN");
  });

  test("a default that is refused is the user's mistake", async () => {
    const tryOut = failing(() => new UsageError("no such column"));
    await expect(searched({ tryOut })).rejects.toThrow(new UsageError("no such column"));
  });

  test("a default that diverges is no end: ranges are around the table's", async () => {
    const tryOut = failing((_, t) => (t === 0 ? new DivergedError("too fast") : undefined));
    const { by, lines } = await searched({ tryOut });
    expect(by).toEqual({ metric: "logLoss", default: null });
    expect(lines[0]).toMatchObject({ value: null, failed: "too fast", options: { rate: 0.1 } });
  });
});

test("a metric that is not measured is refused with those that are", async () => {
  await expect(searched({ comparedBy: () => "rmse" })).rejects.toThrow(
    "--search cannot compare settings by RMSE, which is not measured on this validation split: it has log loss, AUC",
  );
});

describe("what is said of the result", () => {
  test("the default is the best", async () => {
    const tryOut = (setting: SearchSetting) => {
      const isDefault = Object.keys(setting).length === 0;
      return Promise.resolve(trained({ ...standard, ...setting }, isDefault ? 0.1 : 0.2));
    };
    const { setting, warnings, by } = await searched({ tryOut });
    expect(setting).toEqual({});
    expect(by.difference).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(searchGain(by, 12)).toBe(
      "validation log loss: none of 11 settings is better than the default (0.10000)",
    );
  });

  test("the best is ahead by less than a standard error", async () => {
    let t = 0;
    const tryOut = (setting: SearchSetting): Promise<Tried> => {
      // The losses of individual rows differ much more than their means.
      const sign = t++ % 2 === 0 ? 1 : -1;
      const sums = Float64Array.from({ length: 50 }, (_, row) => 1 + (row % 2 === 0 ? sign : -sign) * 0.5);
      sums[0]! -= t / 1000;
      const value = sums.reduce((sum, x) => sum + x, 0) / sums.length;
      return Promise.resolve({
        ...trained({ ...standard, ...setting }, value),
        byUnit: () => Promise.resolve([{ name: "logLoss", sums }]),
      });
    };
    const { warnings, setting, lines } = await searched({ tryOut });
    expect([setting, lines.filter(({ chosen }) => chosen).map(({ trial }) => trial)]).toEqual([{}, [1]]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^the best setting of --search is ahead of the default by less than a standard error: validation log loss differs by -/,
    );
  });

  test.each([
    [0.9, []],
    [1.1, [2]],
  ])("%p standard errors ahead of the default, the chosen settings are %j", async (errors, chosen) => {
    // rows of the second setting are better by a mean of `errors` standard errors
    const noise = Float64Array.from({ length: 50 }, (_, row) => (row % 2 === 0 ? 0.5 : -0.5));
    const gain = errors * Math.sqrt(0.25 / 49);
    let t = 0;
    const tryOut = (setting: SearchSetting): Promise<Tried> => {
      const sums = noise.map((x) => (t === 1 ? 1 + x - gain : 1 + (t > 1 ? 9 : 0)));
      t++;
      const value = sums.reduce((sum, x) => sum + x, 0) / sums.length;
      const byUnit = () => Promise.resolve([{ name: "logLoss", sums }]);
      return Promise.resolve({ ...trained({ ...standard, ...setting }, value), byUnit });
    };
    const { lines } = await searched({ tryOut });
    expect(lines.filter(({ chosen: is, trial }) => is && trial > 1).map(({ trial }) => trial)).toEqual(
      chosen,
    );
  });

  test("the best is at the edge", async () => {
    const tryOut = (setting: SearchSetting) => {
      const options = { ...standard, ...setting };
      return Promise.resolve(trained(options, 1 + 0.1 * log((options.rate as number) / 2) ** 2));
    };
    const { setting, warnings } = await searched({ tryOut, trials: 20, given: { kind: "plain", dim: 8 } });
    const rate = setting["rate"] as number;
    expect(rate).toBeGreaterThan(0.1 * 8 ** 0.9);
    const further = Number((2 * rate).toPrecision(3));
    expect(warnings).toContain(
      `the best --rate ${rate} is at the edge of what --search tried: try --rate ${further}`,
    );
  });
});

test("where time runs out, the best of the settings so far is trained", async () => {
  const whole = await searched();
  const left = [9e9, 9e9, 9e9, 0];
  const { lines, setting, warnings } = await searched({}, () => left.shift()!);
  expect(lines.map(({ value }) => value)).toEqual(whole.lines.slice(0, 3).map(({ value }) => value));
  expect(setting).toEqual(
    lines.find(({ chosen }) => chosen)!.trial === 1 ? {} : lines.find(({ chosen }) => chosen)!.options,
  );
  expect(warnings).toContain("the budget ended --search after 3 of 12 settings");
});

test("the default is tried, however little time is left", async () => {
  const { lines } = await searched({}, () => 0);
  expect(lines).toHaveLength(1);
});
