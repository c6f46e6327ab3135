// Settings of all tests, quick and long, `npm run test:all`; also for a choice of them by path.

import quick from "./jest.config.js";

export default { ...quick, testPathIgnorePatterns: [] };
