// Tests the messages about numeric options that are out of range, for the options of all trainers.

import type { Option } from "../options/table.js";
import { trainers } from "./index.js";

test("a number out of its range is answered with both ends of the range", async () => {
  const odd: string[] = [];
  for (const { command, load } of trainers) {
    const { options } = (await load()).trainer;
    for (const [name, option] of Object.entries(options as Record<string, Option>)) {
      const { min, max } = option;
      if (min === undefined || max === undefined || max >= Number.MAX_SAFE_INTEGER) continue;
      const least = min === Number.MIN_VALUE ? "above 0" : String(min);
      const texts = [min - 1, max + 1].map((x) => option.complaint!(x) ?? "none");
      for (const text of texts)
        if (!text.includes(least) || !text.endsWith(` ${max}`)) odd.push(`${command} --${name}: ${text}`);
    }
  }
  expect(odd).toEqual([]);
});
