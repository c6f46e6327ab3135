import { type RidgeProblem } from "../../compute/kernels/ridge/binding.js";
import { encodeKeys } from "../../log/keys.js";
import { chosenPenalty, RidgeMachine } from "../../compute/solvers/ridge/ridge.js";
import { between, integerBelow, mulberry32 } from "../../testing/random.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { textColumn, textTokens } from "./text-tokens.js";

test.each([
  ["words in lower case, each once", "The Bank, the BANK (1915)", "the bank 1915"],
  ["marks belong to their letter, composed or not", "cafe\u0301 café हिन्दी", "café हिन्दी"],
  ["full-width and half-width forms are the same", "ＡＢＣ ｶﾒﾗ", "abc カ メ カメ ラ メラ"],
  ["Chinese: characters and pairs of them", "红茶杯", "红 茶 红茶 杯 茶杯"],
  ["Thai: characters with their marks", "กี่ตู้", "กี่ ตู้ กี่ตู้"],
  ["Japanese beside Latin", "カメラa7のレンズ", "カ メ カメ ラ メラ a7 の レ のレ ン レン ズ ンズ"],
  ["Korean has blanks", "빨간 우산", "빨간 우산"],
  ["no letter and no digit", "— … !", ""],
])("%s", (_, text, expected) => {
  expect(textTokens(text).join(" ")).toBe(expected.normalize("NFKC"));
});

const WORDS = {
  Chinese:
    "苹果 手机 电脑 键盘 鼠标 耳机 相机 镜头 背包 雨伞 帽子 手套 围巾 毛衣 外套 茶叶 咖啡 牛奶 面包 蛋糕".split(
      " ",
    ),
  Japanese:
    "りんご 携帯電話 パソコン マウス カメラ レンズ 三脚 傘 帽子 手袋 靴 お茶 牛乳 ケーキ 飴 太鼓 笛 楽譜 卓球 庭".split(
      " ",
    ),
  Thai: "โทรศัพท์ แป้นพิมพ์ เมาส์ หูฟัง กล้อง เลนส์ กระเป๋า ร่ม หมวก ถุงมือ กางเกง รองเท้า ชา กาแฟ นม เค้ก กลอง ฟุตบอล สวน ปุ๋ย".split(
    " ",
  ),
};

/**
 * Returns the R² with which titles predict item vectors, where the vector of an item is the sum of its title's word
 * vectors, plus noise.
 */
async function titlesR2(words: readonly string[], separator: string): Promise<number> {
  const [numItems, width] = [800, 8];
  const random = mulberry32(1);
  const vectors = words.map(() => Array.from({ length: width }, () => between(-1, 1, random)));
  const targets = new Float64Array(numItems * width);
  const titles = Array.from({ length: numItems }, (_, item) => {
    const title = Array.from({ length: 3 }, () => integerBelow(words.length, random));
    for (let d = 0; d < width; d++)
      targets[item * width + d] = title.reduce(
        (sum, word) => sum + vectors[word]![d]!,
        between(-2, 2, random),
      );
    return title.map((word) => words[word]).join(separator);
  });
  const codes = Uint32Array.from({ length: numItems }, (_, i) => i);
  const column = textColumn({ kind: "key", name: "title", codes, dictionary: encodeKeys(titles) });
  const lists = titles.map((_, i) => Array.from(tokensOf(column, i)).sort((a, b) => a - b));
  const columns = Uint32Array.from(lists.flat());
  const values = Float64Array.from(lists.flatMap((list) => list.map(() => 1 / Math.sqrt(list.length))));
  const rows = {
    numRows: numItems,
    blocks: [0, column.dictionary.size],
    indptr: column.indptr,
    columns,
    values,
  };
  const problem: RidgeProblem = { rows, weights: new Float64Array(numItems).fill(1), width, targets };
  const parts = Uint8Array.from({ length: numItems }, (_, i) => i % 5);
  const machine = await RidgeMachine.start(problem, { parts, numFolds: 5 }, 1);
  const validated = await withMachine(machine, undefined, () =>
    machine.crossValidate([Infinity, 100, 30, 10, 3, 1]),
  );
  return chosenPenalty(validated, 0, width).r2;
}

const tokensOf = ({ values, indptr }: { values: Uint32Array; indptr: Uint32Array }, item: number) =>
  values.subarray(indptr[item], indptr[item + 1]);

test.each(Object.entries(WORDS))(
  "%s titles without blanks explain at least 0.9 of what they explain with blanks",
  async (_, words) => {
    const spaced = await titlesR2(words, " ");
    expect(spaced).toBeGreaterThan(0.3);
    expect(await titlesR2(words, "")).toBeGreaterThan(0.9 * spaced);
  },
);
