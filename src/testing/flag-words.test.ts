// For random options of every trainer: flagWords writes options as words of a command line, and the command's parser
// returns the same options from these words.

import { flagWords, commandLine } from "../options/flag-words.js";
import { drawCombinations, type CombinationFiles } from "./option-combinations.js";
import { parseTraining, trainingCommands } from "./training-commands.js";

const files: CombinationFiles = {
  log: () => "log.csv",
  run: () => "earlier",
  secret: "secret",
  side: "side.csv",
  fresh: () => "fresh",
};

test("options that were parsed give words that parse to the same options", () => {
  const drawn = drawCombinations(3, 600, files);
  let tried = 0;
  for (const { row, words } of drawn) {
    let given: object;
    try {
      ({ given } = parseTraining(row.command, [...words, "-o", "run"]));
    } catch {
      continue;
    }
    const { options } = trainingCommands.get(row.command)!;
    const again = parseTraining(row.command, ["log.csv", ...flagWords(options, given as never)]);
    expect([words, again.given]).toEqual([words, given]);
    tried++;
  }
  expect(tried).toBeGreaterThan(500);
});

test.each([
  ["train-fm", ["--min-count", "2", "--min-count", "item_id=5", "--multi", "genres:|", "--no-header"]],
  ["train-fm", ["--l2-field", "a=0.5,b=1", "--hash", "user:20", "--drop", "-x=1"]],
  ["train-net", ["--arch", "wide-deep", "--hidden", "64,32", "--cross", "a*b", "--cross", "b*c"]],
  ["train-ranking", ["--loss", "bpr", "--hard-negatives", "2-5"]],
  ["train-two-tower", ["--history", "others:40", "--user-tower", "none"]],
  ["train-two-tower", ["--history", "30", "--user-tower", "64,32"]],
])("%s %j parses to the same", (command, flags) => {
  const { given } = parseTraining(command, ["log.csv", ...flags, "-o", "run"]);
  const words = flagWords(trainingCommands.get(command)!.options, given as never);
  expect(parseTraining(command, ["log.csv", ...words]).given).toEqual(given);
});

test("a line quotes what a shell would read otherwise", () => {
  expect(commandLine(["embed", "--where", "a > 'b'", "--drop=InvoiceNo^=C", "logs/*.csv"])).toBe(
    "embed --where 'a > '\\''b'\\''' --drop=InvoiceNo^=C 'logs/*.csv'",
  );
});
