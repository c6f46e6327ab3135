// The documentation as a site: `npm run docs` builds it into dist/ beside this file. All of it is in src/testing/site.ts.

export { default } from "../../dist/testing/site.js";
