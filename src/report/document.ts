// The frame of every page: one self-contained file with a title, links to its sections, the style and the script.
//
// A content security policy forbids loading anything and running any script but the page's own, whatever the keys of a
// log contain.

import type { Section } from "./figure.js";
import { html, Markup } from "./html.js";
import { script } from "./script.js";
import { style } from "./style.js";

/** The content of a page: texts, sections and data. */
export interface PageParts {
  title: string;
  /** the command that writes the page, such as `embed report` */
  command: string;
  /** HTML content of the line below the title of the page */
  subtitle: Markup;
  sections: readonly Section[];
  /** sentences about sections that the page lacks */
  absent: readonly string[];
  version: string;
  /** elements with data that other commands read from the page */
  data?: string;
}

/** The script's element. The template `html` would change its white space, and thus the hash of the script. */
const scriptElement = new Markup(`<script>${script}</script>`);

/** Returns the page as HTML. */
export async function htmlDocument({
  title,
  command,
  subtitle,
  sections,
  absent,
  version,
  data,
}: PageParts): Promise<string> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${await policy()}" />
        <title>${title} – ${command}</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <header>
          <h1 class="key">${title}</h1>
          ${subtitle}
        </header>
        <nav aria-label="Sections">
          ${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a> `)}
        </nav>
        <main>
          ${sections.map(sectionOf)}
          ${
            absent.length > 0
              ? html`<section id="absent">
                  <h2>Not on this page</h2>
                  <ul class="quiet">
                    ${absent.map((text) => html`<li>${text}</li>`)}
                  </ul>
                </section>`
              : undefined
          }
        </main>
        <footer>${command} ${version}</footer>
        ${data === undefined ? undefined : new Markup(data)} ${scriptElement}
      </body>
    </html> `;
  return page.text;
}

function sectionOf({ id, title, lead, body, isHalf = false }: Section): Markup {
  return html`<section id="${id}" ${isHalf ? html` class="half"` : undefined}>
    <h2>${title}</h2>
    ${lead === undefined ? undefined : html`<p class="lead">${lead}</p>`} ${body}
  </section> `;
}

/**
 * Returns the content security policy, which forbids loading resources and running any script except the one with this
 * hash.
 */
async function policy(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from(script));
  const hash = Buffer.from(digest).toString("base64");
  return `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}
