import { compare, type Measured } from "./comparison.js";
import { leaderboardOf, metricCell, untrainedTexts, type Entrant, type Leaderboard } from "./leaderboard.js";

/**
 * Creates a metric with one value for each of forty users. The difference of two contenders is the same for all users,
 * unless a spread is added.
 */
function measured(name: string, value: number, spread = 0): Measured {
  const sums = Float64Array.from({ length: 40 }, (_, u) => value + (u % 2 === 0 ? spread : -spread));
  return { name, kind: "run", byUser: [{ name: "recallAt20", sums }], others: {} };
}

function boardOf(contenders: Measured[], baselines: string[] = [], samples = 200): Leaderboard {
  const entrants = new Map(
    contenders.map(({ name }): [string, Entrant] => [name, { isBaseline: baselines.includes(name) }]),
  );
  return leaderboardOf(compare(contenders, 40, { samples, seed: 1 }), entrants, {
    ...{ metrics: ["recallAt20"], on: "40 users", untrained: [] },
  });
}

test("the best is first, and ahead of what its interval is apart from", () => {
  const { lines, conclusion } = boardOf(
    [measured("pca", 0.1), measured("als", 0.3), measured("fm", 0.2)],
    ["pca"],
  );
  expect(lines.map(({ name, isClose }) => [name, isClose])).toEqual([
    ["als", false],
    ["fm", false],
    ["pca", false],
  ]);
  expect(conclusion).toBe(
    "als has the best recall@20, 0.3000 (95 % interval 0.3000 to 0.3000): it is ahead of the next, fm with 0.2000 and of every baseline (pca).",
  );
});

test("a difference whose interval holds 0 is no lead, over an embedding or a baseline", () => {
  const near = boardOf([measured("als", 0.3, 0.2), measured("fm", 0.295), measured("pca", 0.1)], ["pca"]);
  expect(near.conclusion).toMatch(
    /: it is ahead of every baseline \(pca\), but it does not differ significantly from the next, fm with 0\.2950\.$/,
  );
  const level = boardOf([measured("als", 0.3, 0.2), measured("fm", 0.1), measured("pca", 0.295)], ["pca"]);
  expect(level.conclusion).toMatch(
    /: it is ahead of the next, fm with 0\.1000, but it does not differ significantly from the baseline pca\.$/,
  );
});

test("a baseline that wins is the answer", () => {
  expect(boardOf([measured("ease", 0.3), measured("als", 0.2)], ["ease"]).conclusion).toMatch(
    /^ease has the best .*, and it is a baseline: the best embedding, als with 0\.2000, is behind it\.$/,
  );
  expect(boardOf([measured("ease", 0.3, 0.2), measured("als", 0.295)], ["ease"]).conclusion).toMatch(
    /als with 0\.2950, does not differ significantly from it\.$/,
  );
});

test("without intervals nothing is said to be ahead", () => {
  const { conclusion } = boardOf([measured("als", 0.3), measured("fm", 0.2)], [], 0);
  expect(conclusion).toBe("als has the best recall@20, 0.3000 (there are no intervals).");
});

test("cells have half of the interval, and reasons stand once", () => {
  const [line] = boardOf([measured("als", 0.3, 0.1), measured("fm", 0.1)]).lines;
  expect(metricCell(line!, "recallAt20")).toMatch(/^0\.3000 ±0\.0[23]\d\d$/);
  expect(metricCell(line!, "ndcgAt20")).toBe("");
  const untrained = [
    { name: "a", why: "late" },
    { name: "b", why: "broken" },
    { name: "c", why: "late" },
  ];
  expect(untrainedTexts(untrained)).toEqual(["not trained: a, c: late", "not trained: b: broken"]);
});
