// Parses Markdown for the tests and the documentation's site: prose, links, and anchors of headings.

/** Returns the text without code blocks. */
export function prose(text: string): string {
  return text.replaceAll(/^( *)(```|~~~)[^\n]*\n[\s\S]*?^\1\2[^\n]*$/gm, "");
}

/** Returns the targets of links `[text](target)` and images `![text](target)`, except in code. */
export function linksOf(text: string): string[] {
  const outsideCode = prose(text).replaceAll(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, "");
  return [...outsideCode.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)].map(([, target]) => target!);
}

/** Whether a link leads out of the project: it starts with a scheme, such as `https:`. */
export function isExternal(target: string): boolean {
  return /^[a-z][a-z\d+.-]*:/i.test(target);
}

/** Returns the anchors of the headings; repeated ones are numbered. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of prose(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const anchor = anchorOf(heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1"));
    let name = anchor;
    for (let n = 1; anchors.has(name); n++) name = `${anchor}-${n}`;
    anchors.add(name);
  }
  return anchors;
}

/** Returns the anchor of a heading as GitHub creates it, so that links work there and on the site. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}
