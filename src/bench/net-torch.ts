// PyTorch program for `npm run bench -- net-peer`: trains one network and prints its figures as a JSON line.
//
// The optimizers are those of train-net: Adam on the mean loss for dense layers, and for embeddings AdaGrad on the
// summed loss, with sums of squares that start at 1. PyTorch has no FTRL, so the wide part is trained by AdaGrad too.
// The penalty is FuxiCTR's: each batch adds half of the penalty per key times the squared norm of the whole embedding
// table to its mean loss, so that the gradient of the table is dense.

/** Arguments: training, validation and test file, network, seed, hidden layers, and penalty per key. */
export const PEER = `
import csv, json, sys
import numpy as np, torch

files, arch, seed = sys.argv[1:4], sys.argv[4], int(sys.argv[5])
HIDDEN = [int(units) for units in sys.argv[6].split(",")]
KEY_L2 = float(sys.argv[7])
DIM, BATCH, PATIENCE, EPOCHS = 16, 256, 2, 100
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

def read(file):
    with open(file, newline="") as lines:
        header, *rows = csv.reader(lines)
    return header, rows

header, rows = read(files[0])
columns = [i for i, name in enumerate(header) if name != "label"]
# 0 of each field: keys that training does not know
maps, offsets, total = [], [], 0
for i in columns:
    keys = {key: n + 1 for n, key in enumerate(dict.fromkeys(row[i] for row in rows))}
    maps.append(keys); offsets.append(total); total += len(keys) + 1

def encode(rows):
    ids = np.array([[o + m.get(row[i], 0) for i, m, o in zip(columns, maps, offsets)] for row in rows])
    labels = np.array([float(row[header.index("label")]) for row in rows], dtype=np.float32)
    return torch.from_numpy(ids), torch.from_numpy(labels)

train, valid, test = [encode(rows if n == 0 else read(file)[1]) for n, file in enumerate(files)]
fnn = arch == "fnn"
width = DIM + 1 if fnn else DIM
table = torch.nn.Embedding(total, width)
torch.nn.init.uniform_(table.weight, -0.05, 0.05)
table.weight.data[offsets] = 0
wide = torch.nn.Embedding(total, 1, sparse=True)
torch.nn.init.zeros_(wide.weight)
w0 = torch.nn.Parameter(torch.zeros(1))
layers, inputs = [], len(columns) * width + fnn
for units in HIDDEN:
    linear = torch.nn.Linear(inputs, units)
    bound = (6 / inputs) ** 0.5
    torch.nn.init.uniform_(linear.weight, -bound, bound); torch.nn.init.zeros_(linear.bias)
    layers += [linear, torch.nn.ReLU()]
    inputs = units
last = torch.nn.Linear(inputs, 1)
bound = (6 / (inputs + 1)) ** 0.5
torch.nn.init.uniform_(last.weight, -bound, bound)
mean = train[1].mean().item()
torch.nn.init.constant_(last.bias, np.log(mean / (1 - mean)))
deep = torch.nn.Sequential(*layers, last)

def score(ids):
    x = table(ids).flatten(1)
    if fnn: x = torch.cat((w0.expand(len(ids), 1), x), 1)
    s = deep(x).squeeze(1)
    return s if fnn else s + wide(ids).sum(1).squeeze(1)

dense = list(deep.parameters()) + ([w0] if fnn else [])
embeddings = [table.weight] + ([] if fnn else [wide.weight])
methods = [torch.optim.Adam(dense, lr=0.001), torch.optim.Adagrad(embeddings, lr=0.05, initial_accumulator_value=1, eps=0)]
bce = torch.nn.functional.binary_cross_entropy_with_logits

def scored(rows):
    with torch.no_grad():
        return torch.cat([score(ids) for ids in rows[0].split(16384)])

def parameters():
    return [p.detach().clone() for p in dense + embeddings]

best, kept, at = float("inf"), None, 0
for epoch in range(1, EPOCHS + 1):
    order = torch.from_numpy(rng.permutation(len(train[1])))
    for batch in order.split(BATCH):
        for method in methods: method.zero_grad(set_to_none=True)
        loss = bce(score(train[0][batch]), train[1][batch], reduction="sum")
        loss.backward()
        table.weight.grad += KEY_L2 * len(batch) * table.weight.data
        for p in dense: p.grad /= len(batch)
        for method in methods: method.step()
    now = bce(scored(valid), valid[1]).item()
    if now < best: best, kept, at = now, parameters(), epoch
    elif epoch - at >= PATIENCE: break
for p, value in zip(dense + embeddings, kept): p.data = value

s, y = scored(test).double(), test[1].numpy()
values, inverse, counts = np.unique(s.numpy(), return_inverse=True, return_counts=True)
ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
ones = y.sum()
auc = (ranks[y == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(y) - ones))
print(json.dumps({"bestEpoch": at, "valid": best, "logLoss": bce(s, test[1].double()).item(), "auc": float(auc)}))
`;
