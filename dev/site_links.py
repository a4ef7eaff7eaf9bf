"""A hook of MkDocs: links from a page to files outside of docs/ lead to the repository.

Pages are read in two places: in the repository, where such a link is relative, and on the site, which has docs/ alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_DOCS = Path(__file__).resolve().parent.parent / "docs"
_LINK = re.compile(r"(\]\()((?:\.\./)+[^)#\s]+)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Return the page's text with the repository's address in place of each way out of docs/."""
    folder = _DOCS / Path(page.file.src_uri).parent
    return _LINK.sub(lambda found: f"{found[1]}{_find(folder, found[2], str(config['repo_url']))}", markdown)


def _find(folder: Path, link: str, repository: str) -> str:
    """Return where a relative link leads on the site; what is not there is left for MkDocs to refuse."""
    target = (folder / link).resolve()
    if target.is_relative_to(_DOCS) or not target.exists():
        return link
    kind = "tree" if target.is_dir() else "blob"
    return f"{repository}/{kind}/main/{target.relative_to(_DOCS.parent)}"
