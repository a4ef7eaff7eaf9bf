"""THIRD-PARTY-NOTICES.md: `python -m dev notices` writes it, a test fails when it is out of date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from dev.places import CHECKOUT
from dev.third_party import (
    DEBIAN,
    GO,
    Part,
    read_bundled_parts,
    read_compiled_parts,
    read_debian_packages,
    read_go_modules,
    read_player_parts,
    read_python_parts,
)

PAGE = CHECKOUT / "THIRD-PARTY-NOTICES.md"
OPENING: Final = """# Third-party notices

What the images and the Python distribution carry of others, and under which licence. `python -m dev notices` makes
this page from the locks, from the metadata and the bills of materials of the packages, and from the Dockerfiles. What
it means for you is in [docs/licences.md](docs/licences.md).

The texts of the licences are in the images: of Python packages in `/opt/venv/lib/python3*/site-packages/*.dist-info`,
of Debian's in `/usr/share/doc/*/copyright`, of the replay page in the distribution (`player_dist/LICENSES.txt`). Every
Debian package of an image, with its version and its source package, is in
`/usr/share/doc/video-export/debian-packages.tsv` there.
"""
LIBRARIES: Final = (
    "The worker's process loads those of `av`: with libx264 and libx265 it is a combined work under the GNU GPL."
)
GO_PROGRAMS: Final = (
    "No image and no distribution carries a Go program. These build the tools of development and tests."
)


def build_page() -> str:
    """Return the whole page."""
    parts = read_python_parts()
    return "\n".join(
        [
            OPENING,
            section("## Python packages", parts_table(parts)),
            section("## Shared libraries inside Python packages", LIBRARIES),
            *(
                section(f"### {name}", table(("library", "licence"), rows))
                for name, rows in read_bundled_parts(parts).items()
            ),
            section(
                "## Rust crates compiled into Python packages", "From the bill of materials that each package brings."
            ),
            *(section(f"### {name}", crates(groups)) for name, groups in read_compiled_parts(parts).items()),
            section("## npm packages in the replay page", npm_table(read_player_parts())),
            section(
                "## Debian packages", f"Those that the Dockerfiles name.\n\n{debian_table(read_debian_packages())}"
            ),
            section("## Go modules", f"{GO_PROGRAMS}\n\n{go_table(read_go_modules())}"),
        ]
    )


def section(heading: str, content: str) -> str:
    """Return a heading with what stands under it."""
    return f"{heading}\n\n{content}\n"


def parts_table(parts: Iterable[Part]) -> str:
    """Return the Python packages as a table."""
    rows = [(linked(part), part.version, part.licence, ", ".join(part.images)) for part in parts]
    return table(("package", "version", "licence", "image"), rows)


def linked(part: Part) -> str:
    """Return a part's name, as a link where its home is known."""
    return f"[{part.name}]({part.home})" if part.home else part.name


def npm_table(parts: Iterable[Part]) -> str:
    """Return the packages of the replay page as a table."""
    return table(("package", "version", "licence"), [(part.name, part.version, part.licence) for part in parts])


def crates(groups: Mapping[str, Sequence[str]]) -> str:
    """Return crates by licence as a table."""
    return table(("licence", "crates"), [(licence, ", ".join(names)) for licence, names in groups.items()])


def debian_table(packages: Mapping[str, Sequence[str]]) -> str:
    """Return the named Debian packages as a table; one whose licence is not known is an error (KeyError)."""
    return table(
        ("package", "licence", "image"), [(name, DEBIAN[name], ", ".join(images)) for name, images in packages.items()]
    )


def go_table(modules: Mapping[str, Sequence[str]]) -> str:
    """Return the Go modules as a table; one whose licence is not known is an error (KeyError)."""
    rows = [(name, f"dev/{folder}", GO[name]) for folder, names in modules.items() for name in names]
    return table(("module", "used for", "licence"), rows)


def table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [heading, ("---",) * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write_page() -> None:
    """Write the page anew."""
    PAGE.write_text(build_page(), encoding="utf-8")
