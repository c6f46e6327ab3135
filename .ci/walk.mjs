// Prints the stays and climbs of parameters through the calls of the built project (src/testing/walk.ts).
//
// usage: node .ci/walk.mjs [--stays] [FILE:FUNCTION:PARAMETER...], as training/session/session:train:paths
import { rooms } from "../dist/acceptance/rooms.js";
import { climbs, walks } from "../dist/testing/walk.js";

const asked = process.argv.slice(2).filter((argument) => argument !== "--stays");
const reading = "training/reading/read-dataset:readDataset:paths";
const usual = [
  "training/session/session:train:paths",
  reading,
  "dataset/build:buildDataset:log",
  "trainers/fm/train:trainFm:input",
];
const starts = asked.length > 0 ? asked : usual;
walks(process.cwd(), starts).forEach((stays, i) => {
  console.log(`${starts[i]}: ${stays.length} stays, ${climbs(stays, Object.keys(rooms))} climbs`);
  if (process.argv.includes("--stays"))
    for (const { file, functions } of stays) console.log(`  ${file}: ${functions.join(" ")}`);
});
