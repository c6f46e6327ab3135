// The names of a trainer's command and models occur only in the trainer's folder and in the list of trainers: no other
// file contains them in code, messages or comments.
//
// Exceptions: strings of faces/cli/, where help shows commands to type; the name of a kernel, in compute/kernels/ and where the
// kernel is loaded; names of files.

import { trainers } from "../trainers/index.js";
import { readAssemblySources, readSources, sourceOf, type ProjectSource } from "../testing/sources.js";
import { scaffolding } from "./rooms.js";

const commands = trainers.map(({ command }) => command);
const models = new Set<string>();
/** For each name of a model's capability, the commands of the trainers whose models have this capability. */
const capabilityTrainers = new Map<string, Set<string>>();
for (const { command, home } of trainers)
  for (const [name, model] of Object.entries((await home()).models)) {
    models.add(name);
    for (const capability of Object.keys(model))
      capabilityTrainers.set(
        capability,
        (capabilityTrainers.get(capability) ?? new Set<string>()).add(command),
      );
  }

/**
 * Names of models that are also ordinary words: `graph` for edges, `lr` for a learning rate. A string counts as such a
 * model's name only if it contains nothing else.
 */
const ambiguous = ["graph", "net", "lr"];
/**
 * Capabilities of models that a single trainer has so far. A new capability must belong to two trainers, or be part of
 * another capability.
 */
const ofOneTrainer = ["rowTexts"];

const oneOf = (names: Iterable<string>) => [...names].sort((a, b) => b.length - a.length).join("|");
/** Returns a pattern that matches names as words, but not in file names such as `fm.safetensors` or `fm/repeats`. */
const word = (names: Iterable<string>) => `(?<![\\w./-])(?:${oneOf(names)})(?![\\w/-]|\\.\\w)`;
const clearModels = [...models].filter((name) => !ambiguous.includes(name));
const command = new RegExp(word([...commands, ...[...models].map((name) => `--model ${name}`)]));
const commandOrModel = new RegExp(
  word([...commands, ...clearModels, ...[...models].map((name) => `--model ${name}`)]),
);
const wholeName = new RegExp(`^["'\`](?:${oneOf([...commands, ...models])})["'\`]$`);
/** In texts of judge/report/, `pca` names a layout of maps, and not the model of a trainer; removes the word there. */
const withoutMapLayout = (file: string, text: string) =>
  file.startsWith("judge/report/") ? text.replaceAll(/(?<![\w-])pca(?![\w-])/g, "") : text;

/** Returns a sentence for each text of a file that contains the name of a trainer or a model. */
function complaints({ file, code, texts }: ProjectSource): string[] {
  const isKernel = file.startsWith("compute/kernels/");
  const loaded = new Set(
    [...code.matchAll(/(?:loadKernel|begin)\([^;]*?\)/g)].flatMap(([call]) => call.match(/"\w+"/g)),
  );
  return texts
    .map(({ text, ...rest }) => ({ ...rest, text: withoutMapLayout(file, text) }))
    .filter(({ kind, text }) => {
      if (wholeName.test(text)) return !isKernel && !loaded.has(text);
      if (file.startsWith("faces/cli/") && kind === "string") return false;
      return (isKernel ? command : commandOrModel).test(text);
    })
    .map(({ text, line }) => {
      const name = (commandOrModel.exec(text) ?? [text])[0];
      return `src/${file}.ts:${line} names ${name}: ask the run's model for a capability, say it without the name, or move it into the trainer's folder; a kind of model whose name is a word of the language gets another name, or is one of \`ambiguous\``;
    });
}

test("no file outside a trainer's folder and the list names its command or its models", () => {
  const shipped = readSources().filter(
    ({ file, room }) =>
      !/\.(?:test|reference)$|\.test\.|^trainers\/(?!shared\/)/.test(file) && !scaffolding.includes(room),
  );
  expect(shipped.flatMap(complaints)).toEqual([]);
});

test.each([
  ["use/a", 'if (model === "lr") return;', ['"lr"']],
  ["use/a", "const a = `use ${x} of train-fm`;", ["train-fm"]],
  ["use/a", '// as gbdt does\nthrow new UsageError("needs --model lr");', ["gbdt", "--model lr"]],
  ["compute/kernels/fm/a", '// fm, with the rate lr\nthrow new UsageError("or train-als");', ["train-als"]],
  [
    "faces/cli/a",
    '// of train-net\nconst text = "embed train-fm LOG"; const is = "pca";',
    ["train-net", "pca"],
  ],
  ["trainers/shared/a", 'loadKernel(x ? "ffm" : "fm"); read("fm.safetensors"); // a graph, a net', []],
  ["judge/report/a", 'if (by === "pca") return;', []],
])("planted in src/%s.ts: %s", (file, text, names) => {
  expect(complaints(sourceOf(file, text))).toEqual(
    names.map((name) => expect.stringContaining(` names ${name}:`) as string),
  );
});

/**
 * Returns a sentence for each capability of a single trainer that is not allowed, and for each allowed one that several
 * trainers have. @param allowed capabilities that a single trainer may have
 */
function singleCapabilities(
  by: ReadonlyMap<string, ReadonlySet<string>>,
  allowed: readonly string[],
): string[] {
  const single = [...by].filter(([, having]) => having.size < 2).map(([name]) => name);
  return [
    ...single
      .filter((name) => !allowed.includes(name))
      .map(
        (name) =>
          `${name} is of ${[...by.get(name)!].join()} alone: let it be part of a capability that others have`,
      ),
    ...allowed
      .filter((name) => !single.includes(name))
      .map((name) => `${name} is no capability of one trainer any more: remove it from ofOneTrainer`),
  ];
}

test("a capability of models has more than one trainer", () => {
  expect(singleCapabilities(capabilityTrainers, ofOneTrainer)).toEqual([]);
  const planted = new Map([...capabilityTrainers, ["planted", new Set(["train-fm"])]]);
  expect(singleCapabilities(planted, [...ofOneTrainer, "rank"])).toEqual([
    expect.stringMatching(/^planted is of train-fm alone/),
    expect.stringMatching(/^rank is no capability of one trainer any more/),
  ]);
});

const words = (text: string) => text.trim().split(/\s+/);

/** Names of functions that several trainers may declare, because each trainer implements these steps. */
const stepsOfTrainers = words("fit plan suits trainEpochs");
/** A function name is too vague if at least this many files declare a function of the name. */
const MANY_FILES = 5;

const exportedType = /^export (?:declare )?(?:abstract )?(?:interface|type|class) (\w+)/gm;
const moduleFunction =
  /^(?:export )?(?:async )?(?:function\*? (\w+)|const (\w+) = (?:async )?(?:\([^=]*\)|\w+) =>)/gm;

/** Returns each name that a pattern captures in the source files, with the number of files that contain it. */
function numFilesByName(sources: readonly ProjectSource[], pattern: RegExp): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { code } of sources)
    for (const name of new Set([...code.matchAll(pattern)].map((match) => match[1] ?? match[2]!)))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/**
 * Returns a complaint for each name that too many files declare, and for each name on the list of exceptions that few
 * files declare.
 *
 * @param allowed the exceptions: names that many files may declare
 */
function vagueNames(
  counts: ReadonlyMap<string, number>,
  least: number,
  allowed: readonly string[],
): string[] {
  const vague = [...counts].filter(([, numFiles]) => numFiles >= least).map(([name]) => name);
  return [
    ...vague
      .filter((name) => !allowed.includes(name))
      .map((name) => `${counts.get(name)} files declare ${name}: name what each of them contains or returns`),
    ...allowed
      .filter((name) => !vague.includes(name))
      .map((name) => `${name} is not declared by ${least} files any more: remove it from the list`),
  ];
}

test("an exported type, class or interface has a name of its own", () => {
  // omits the generated files with the memory layouts of kernels, which all declare the same type names
  const sources = readSources().filter(({ file }) => !/^compute\/kernels\/[^/]+\/layout$/.test(file));
  const counts = numFilesByName(sources, exportedType);
  expect(vagueNames(counts, 2, [])).toEqual([]);
  const planted = ["a", "b"].map((file) => sourceOf(file, "export interface Planted {}\n"));
  const complaints = vagueNames(numFilesByName(planted, exportedType), 2, ["Column"]);
  expect(complaints).toEqual([
    expect.stringMatching(/^2 files declare Planted/),
    expect.stringMatching(/^Column is not declared by 2 files any more/),
  ]);
});

test("fewer than five files declare functions with the same name and different meanings", () => {
  const shipped = readSources().filter(
    ({ file, room }) => !/\.(?:test|reference)$|\.test\./.test(file) && !scaffolding.includes(room),
  );
  const counts = numFilesByName(shipped, moduleFunction);
  expect(vagueNames(counts, MANY_FILES, stepsOfTrainers)).toEqual([]);
  const forms = [
    "function planted() {",
    "export async function* planted() {",
    "const planted = (a: number) => a;",
  ];
  const planted = [...forms, "export const planted = async (a) => a;", "function planted<T>() {"];
  const sources = planted.map((line, i) => sourceOf(`a${i}`, `// planted\n${line}\n`));
  expect(vagueNames(numFilesByName(sources, moduleFunction), MANY_FILES, [])).toEqual([
    expect.stringMatching(/^5 files declare planted/),
  ]);
});

test("names, comments and messages have American spelling", () => {
  const british =
    /neighbour|behaviour|colour|(?:standard|normal|initial|minim|maxim|quant)is(?:e|ing)|optimis(?:e|ing)/i;
  const found = [...readSources(), ...readAssemblySources()]
    .filter(({ file }) => file !== "acceptance/architecture-names.test")
    .flatMap(({ file, code, texts }) => {
      const word = british.exec([code, ...texts.map(({ text }) => text)].join("\n"));
      return word ? [`${file}: ${word[0]}`] : [];
    });
  expect(found).toEqual([]);
});
