// What a column's name says about the times that it holds: whether they are times at all, and whether of the event.

/** Last words of names of times: purchased_at, orderTime, created.date. */
const LAST_WORDS = new Set(["at", "on", "time", "timestamp", "date", "datetime", "ts"]);

/** Words in names of times that say something about the user or the item, and not when the event happened. */
const OTHER_TIMES =
  /birth|born|\bdob\b|releas|publish|expir|\bdue\b|until|\bvalid\b|signup|sign.?up|regist|join|member|since|updat|modif|delet|\bend/;

/** The words of a name, in lower case: purchasedAt, purchased_at and "Purchased at" are two words. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[\s_\-.]+/);
}

/** Whether the last word of the name is one of times; a name of one word is left to the list of known names. */
export function isTimeName(name: string): boolean {
  const words = wordsOf(name);
  return words.length > 1 && LAST_WORDS.has(words.at(-1)!);
}

/** Whether times of a column of that name can be those of the events: a date of birth or of release is not. */
export function mayBeEventTime(name: string): boolean {
  return !OTHER_TIMES.test(wordsOf(name).join(" "));
}
