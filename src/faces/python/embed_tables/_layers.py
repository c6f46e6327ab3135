"""Vectors of a run as embedding layers of PyTorch and Keras, with rows for padding and unknown keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._errors import UsageError
from ._frames import temporary_folder

if TYPE_CHECKING:
    from ._run import Run

#: for each scheme of --reserve: the number of reserved rows before the keys, the row number for padding, and the one
#: for unknown keys; -1 is the last row
_SCHEMES = {"pytorch": (2, 1, 0), "keras": (2, 0, 1), "fuxictr": (1, 0, -1)}


def _scheme(reserve: str) -> tuple[int, int, int]:
    if reserve not in _SCHEMES:
        raise UsageError(f"reserve must be one of {', '.join(_SCHEMES)}, got {reserve!r}")
    return _SCHEMES[reserve]


def weights(run: Run, field: str, reserve: str) -> NDArray[np.float32]:
    """Returns the table with the reserved rows. The program computes the vector of unknown keys."""
    from ._functions import export_run

    _scheme(reserve)
    with temporary_folder() as folder:
        export_run(run, format="npy", field=field, reserve=reserve, out=folder / "table")  # type: ignore[arg-type]
        vectors: NDArray[np.float32] = np.load(folder / "table" / "vectors.npy")
        return vectors


def rows(run: Run, field: str, keys: Sequence[Any], reserve: str) -> NDArray[np.int64]:
    """Returns the row number of each key in the table with the reserved rows."""
    before, padding, unknown = _scheme(reserve)
    known = {key: before + row for row, key in enumerate(run.keys(field)) if key != ""}
    if unknown < 0:
        unknown = before + len(run.keys(field))
    found = (padding if key is None or key == "" else known.get(str(key), unknown) for key in keys)
    return np.fromiter(found, np.int64, len(keys))


def torch_embedding(run: Run, field: str, reserve: str, freeze: bool) -> Any:
    """Returns an embedding layer of PyTorch."""
    import torch

    _, padding, _ = _scheme(reserve)
    table = torch.from_numpy(weights(run, field, reserve))
    return torch.nn.Embedding.from_pretrained(table, freeze=freeze, padding_idx=padding)


def keras_embedding(run: Run, field: str, reserve: str, trainable: bool) -> Any:
    """Returns an embedding layer of Keras, which masks row 0 if that is the padding row."""
    import keras

    _, padding, _ = _scheme(reserve)
    table = weights(run, field, reserve)
    layer = keras.layers.Embedding(*table.shape, mask_zero=padding == 0, trainable=trainable)
    layer.build((None,))
    layer.set_weights([table])
    return layer
