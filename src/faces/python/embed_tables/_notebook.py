"""Shows a run in a notebook: the page of `embed report` in an iframe, so that their styles stay apart."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ._errors import EmbedError
from ._frames import temporary_folder

if TYPE_CHECKING:
    from ._run import Run

_HEIGHT = 600


def html_of(run: Run) -> str:
    """Returns a page with metrics, curves and a map of the run as HTML."""
    from ._functions import report

    try:
        with temporary_folder() as folder:
            report(run, out=folder / "report.html")
            page = (folder / "report.html").read_text("utf-8")
    except EmbedError as error:
        # without a report, the cell shows the error, because a representation must not raise
        return f"<p>{escape(repr(run))}: {escape(str(error))}</p>"
    return (
        f'<iframe title="{escape(repr(run))}" srcdoc="{escape(page)}" sandbox="allow-scripts" '
        f'style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe>'
    )
