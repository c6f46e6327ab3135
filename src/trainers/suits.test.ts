import { goals, type LogTraits } from "../training/session/trainer.js";
import { checkGiven } from "../options/check-given.js";
import { trainers } from "./index.js";

const roles = { user: "user", item: "item", fields: ["user", "item"], numeric: [], multi: {} };
const logs: LogTraits[] = [
  { goal: "predictions", task: "binary", roles },
  { goal: "predictions", task: "regression", roles },
  { goal: "lists", roles },
  { goal: "lists", roles: { ...roles, time: "time", fields: ["user", "item", "brand"] } },
];

const loaded: Awaited<ReturnType<(typeof trainers)[number]["load"]>>["trainer"][] = [];
beforeAll(async () => {
  for (const { load } of trainers) loaded.push((await load()).trainer);
});

test.each(logs)(
  "every trainer says what it trains for $goal, by options that it has and under names of its own",
  (log) => {
    const names = loaded.flatMap((trainer) => {
      const suits = trainer.suits(log);
      if ("whyNot" in suits) {
        expect(suits.whyNot).toMatch(/^[a-z]/);
        return [];
      }
      for (const { options, effort } of suits.candidates) {
        for (const name of Object.keys(options)) expect(Object.keys(trainer.options)).toContain(name);
        checkGiven(trainer.options, options);
        expect(effort).toBeGreaterThan(0);
      }
      return suits.candidates.map(({ name }) => name);
    });
    expect(names.length).toBeGreaterThan(2);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]+$/);
  },
);

test("every trainer suits one of the goals", () => {
  for (const trainer of loaded)
    expect([
      trainer.command,
      goals.some((goal) => logs.some((log) => log.goal === goal && "candidates" in trainer.suits(log))),
    ]).toEqual([trainer.command, true]);
});
