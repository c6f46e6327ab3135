/**
 * Returns the words of a command line: argv`train-fm ${log} --dim 4 ${more} -o ${run}`. A value is a word or a part of
 * one, whatever it contains; an array of values is as many words.
 */
export function argv(
  texts: TemplateStringsArray,
  ...values: readonly (string | number | readonly string[])[]
): string[] {
  const all: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined) all.push(word);
    word = undefined;
  };
  for (const [i, text] of texts.entries()) {
    for (const [piece] of text.matchAll(/\s+|\S+/g)) {
      if (/\s/.test(piece)) endWord();
      else word = `${word ?? ""}${piece}`;
    }
    const value = values[i];
    if (typeof value === "object") all.push(...value);
    else if (value !== undefined) word = `${word ?? ""}${value}`;
  }
  endWord();
  return all;
}
