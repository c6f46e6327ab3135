import { transformOptions } from "../../../training/shared-options/transform-options.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-gbdt fixtures/clicks.csv -o trees):
  embed transform trees fixtures/clicks.csv -o leaves.csv
  embed transform trees fixtures/clicks.csv --format npy -o leaves
Examples (after embed train-fm fixtures/ratings.csv -o ratings --label rating \\
    --side fixtures/items.csv:item_id --multi 'genres:|' --ignore title):
  embed transform ratings new-items.csv --key item_id -o items.csv
  embed transform ratings --fold-in first-events.csv --field user -o users.csv
  tail -f events.csv | embed transform ratings --fold-in - --stream
Example of new items that no event held yet, beside known ones in the same table:
  embed transform RUN listings.csv --nearest 3 --distance lat,lon --within type,price_band -o new.csv
Example of new items from what a catalogue says of them, whatever the table:
  embed transform RUN new-items.csv --content catalogue.csv --content-multi 'genres:|' -o new.csv
Examples (after embed train-net fixtures/clicks.csv -o net --arch fnn):
  embed transform net fixtures/clicks.csv -o hidden.csv
`;

export const command = commandSpec({
  description:
    "Encodes new rows with a run. Boosted trees write leaf indices. Factorization machines write vectors " +
    "of items or users, computed from their features or first events. Principal components write the " +
    "coordinates of rows, new users or new items. Networks write the outputs of the last hidden layer. " +
    "Session-based item vectors write vectors of users and new items, computed from their events. With any " +
    "table of items, vectors of new items are computed from the nearest known items (--nearest) or from a " +
    "catalogue (--content).",
  arguments: [
    ["[run]", "run directory of a training; omit with --model"],
    ["[log...]", "files or patterns, read as one log; - is stdin"],
  ],
  examples,
  options: transformOptions,
  writes: true,
  async call([first, more], given, { watch, write }) {
    if (given.engineOutput !== undefined) {
      const { rowsOnServer } = await import("../../../use/on-spark/rows.js");
      return await rowsOnServer(first, more, { command: "transform", given }, watch);
    }
    const { transform } = await import("../../../use/transform/transform.js");
    if (given.model === undefined) return await transform(first, more, given, write, watch);
    return await transform(undefined, [first ?? [], more].flat(), given, write, watch);
  },
});
