// A manifest, a page of a comparison or a caller of the library may state any value of an option.

import { checkRanges } from "../options/check-given.js";
import type { Option } from "../options/table.js";
import { trainers } from "./index.js";

/** Values that no option has, and that fail when they are converted to text or read. */
const hostile = [null, { toString: {} }, [{ toString: {} }], [[{ toString: {} }]]];

test.each(trainers)(
  "every option of $command says what it expects in place of such values",
  async ({ load }) => {
    const { options } = (await load()).trainer;
    for (const [name, { refused }] of Object.entries(options as Record<string, Option>)) {
      if (refused !== undefined) continue;
      for (const value of hostile)
        expect(() => checkRanges(options, { [name]: value })).toThrow(/^--[a-z0-9-]+ expects .*, got '.*'$/);
    }
  },
);
