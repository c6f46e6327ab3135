// What a summary states as the tool's version.

export { version } from "../io/package-version.js";
