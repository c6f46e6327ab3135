// Options that a training command refuses before it reads the log: no file of this name exists.

import { trainInProcess } from "../testing/training-commands.js";

test.each([
  // train-net
  ["train-net --arch wide-deep --cross device", "expects two columns"],
  ["train-net --arch fnn --cross device*hour", "--cross needs --arch wide-deep, got fnn"],
  ["train-net --arch fnn --keep-keys", "--keep-keys needs --init RUN"],
  ["train-net --arch fnn --freeze-embeddings", "--freeze-embeddings needs --init RUN"],
  ["train-net --arch fnn --hidden 16,0", "--hidden expects"],
  ["train-net --arch fnn --dropout 1", "--dropout expects a number from 0"],
  ["train-net --arch deep-crossing --activation tanh", "whose residual units use ReLU"],
  // train-item2vec
  ["train-item2vec --window 0", "--window expects"],
  ["train-item2vec --session basket --session-gap 30m", "--session-gap and --session cannot be combined"],
  ["train-item2vec --goal-weight 5", "--goal-weight needs --goal"],
  ["train-item2vec --market-negatives 5", "--market-negatives needs --negatives-within"],
  ["train-item2vec --split last --k 5", "--k needs --metric recall"],
  ["train-item2vec --freeze known", "--freeze needs --init RUN"],
  ["train-item2vec --expire 3", "--expire needs --init RUN"],
  // train-two-tower
  ["train-two-tower --item-fields time", "--item-fields needs --item-tower"],
  ["train-two-tower --history others --recency 3", "--recency needs ordered events"],
  [
    "train-two-tower --history all",
    "N (at most N items before the event), others, or others:N (other items of the user)",
  ],
  ["train-two-tower --negatives 12", "multiple of 8"],
  ["train-two-tower --negatives 0", "--negatives 0 needs --in-batch"],
  [
    "train-two-tower --user-bias --user-tower 8",
    "--user-bias cannot be combined with --user-tower, whose layers have biases",
  ],
  ["train-two-tower --skip-connection", "--skip-connection"],
  ["train-two-tower --init run --start svd", "--init cannot be combined with --start svd"],
  ["train-two-tower --dropout 0.2", "--user-tower"],
  // train-pca
  [
    "train-pca --init run",
    "cannot be used with train-pca, because components depend only on the log; use --row-order RUN to keep the row order of an earlier run",
  ],
  ["train-pca --oov-dropout 0.1", "cannot be used with train-pca, which has no epochs"],
  ["train-pca --dim 0", "--dim expects an integer from 1 to 4096, got '0'"],
  ["train-pca --window 2", "--window needs --matrix cooccurrence, transitions"],
  ["train-pca --whiten --power 1", "--whiten and --power cannot be combined"],
  ["train-pca --normalize none --response plateau", "--response needs --normalize degree, got none"],
  ["train-pca --matrix features --response plateau", "--response needs --normalize degree, got none"],
  ["train-pca --response flat", "--response expects ideal, power=0.5, exp=2 or plateau=1.5"],
  ["train-pca --normalize degree --response plateau --scale", "--scale cannot be combined with --response"],
  ["train-pca --center --normalize degree", "--center"],
  // train-ranking
  ["train-ranking --loss ccl --negatives 12", "multiple of 8"],
  ["train-ranking --loss hinge", "warp"],
  [
    "train-ranking --loss sampled-softmax --optimizer sgd",
    "--optimizer sgd needs --loss bpr or warp, got --loss sampled-softmax",
  ],
  // train-fm
  ["train-fm --l2-field user_id", "expects FIELD=NUMBER"],
  ["train-fm --negative-downsampling 2", "--negative-downsampling expects a number from"],
  // every command has options of texts, none of which may be empty: a script's unset variable is no name
  ["train-fm --label ", "--label expects a column, got ''"],
  ["train-fm --bad-rows ", "--bad-rows expects a file, got ''"],
])("%s is refused: %s", async (line, message) => {
  const [command = "", ...words] = line.split(" ");
  const training = trainInProcess(command, ["no-log.csv", ...words, "-o", "never"]);
  await expect(training).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringContaining(message) as string,
  });
});
