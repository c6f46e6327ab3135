"""Logs and runs that several tests use; the tested package is the installed wheel."""

from pathlib import Path

import pandas as pd
import pytest

import embed_tables as et

FIXTURES = et.PROGRAM / "fixtures"


@pytest.fixture(scope="session")
def purchases() -> pd.DataFrame:
    return pd.read_csv(FIXTURES / "purchases.csv", parse_dates=["purchased_at"])


@pytest.fixture(scope="session")
def clicks() -> Path:
    return FIXTURES / "clicks.csv"


@pytest.fixture(scope="session")
def items(tmp_path_factory: pytest.TempPathFactory, purchases: pd.DataFrame) -> et.Run:
    return et.train_als(purchases, out=tmp_path_factory.mktemp("runs") / "items", dim=8, epochs=2)


@pytest.fixture(scope="session")
def fm(tmp_path_factory: pytest.TempPathFactory, clicks: Path) -> et.Run:
    out = tmp_path_factory.mktemp("runs") / "fm"
    return et.train_fm(clicks, out=out, dim=4, epochs=2, valid=0.1, test=0.1, oov_dropout=0.1)


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Checks that no test leaves a frame in the temporary folder."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert [path.name for path in folder.iterdir()] == []
