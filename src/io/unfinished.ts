// What this process holds under names that are to go: temporary files and directories, and locks. Whoever ends the process in the
// middle of its work removes them.

/** A name that is to go. */
export interface Unfinished {
  /** absolute, or from the working directory of the process */
  path: string;
  /** of a lock: what it points to while it is this process's */
  target?: string;
}

type Observer = (unfinished: Unfinished, isThere: boolean) => void;

let observer: Observer = () => undefined;

/** Has each such name reported: before it is made, and when it has been renamed or removed. */
export function observeUnfinished(observe: Observer): void {
  observer = observe;
}

/** To be called before such a name is made. */
export function unfinishedStarts(unfinished: Unfinished): void {
  observer(unfinished, true);
}

/** To be called when it is no more. */
export function unfinishedEnds(path: string): void {
  observer({ path }, false);
}
