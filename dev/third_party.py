"""What the images and the distribution carry of others, with licences: read off what is locked and installed."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

from dev.errors import DevError
from dev.places import CHECKOUT

IMAGES: Final = ("operator", "worker")
IMAGE_PYTHON: Final = {
    "python_version": "3.13",
    "python_full_version": "3.13.5",
    "sys_platform": "linux",
    "os_name": "posix",
}
"""What the locks' markers are read for: the Python of the images."""

SPOKEN: Final[Mapping[str, str]] = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache-2": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Licences that packages name in words, and their SPDX identifiers."""

UNSAID: Final[Mapping[str, str]] = {"ffmpeg-python": "Apache-2.0"}
"""Packages whose metadata names no licence: from the LICENSE file of their repository."""

BUNDLED: Final[Mapping[str, str]] = {
    "libSvtAv1Enc": "BSD-3-Clause-Clear",
    "libXau": "MIT",
    "libasound": "LGPL-2.1-or-later",
    "libavcodec": "LGPL-3.0-or-later",
    "libavdevice": "LGPL-3.0-or-later",
    "libavfilter": "LGPL-3.0-or-later",
    "libavformat": "LGPL-3.0-or-later",
    "libavutil": "LGPL-3.0-or-later",
    "libdav1d": "BSD-2-Clause",
    "libdrm": "MIT",
    "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libgmp": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libgnutls": "LGPL-2.1-or-later",
    "libhogweed": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libmp3lame": "LGPL-2.0-or-later",
    "libnettle": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libopencore-amrnb": "Apache-2.0",
    "libopencore-amrwb": "Apache-2.0",
    "libopus": "BSD-3-Clause",
    "libquadmath": "LGPL-2.0-or-later",
    "libscipy_openblas": "BSD-3-Clause",
    "libsharpyuv": "BSD-3-Clause",
    "libswresample": "LGPL-3.0-or-later",
    "libswscale": "LGPL-3.0-or-later",
    "libunistring": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libvpl": "MIT",
    "libvpx": "BSD-3-Clause",
    "libwebp": "BSD-3-Clause",
    "libwebpmux": "BSD-3-Clause",
    "libx264": "GPL-2.0-or-later",
    "libx265": "GPL-2.0-or-later",
    "libxcb": "MIT",
}
"""Shared libraries inside wheels, which say no licence: from the COPYING of each project. The longest name wins."""

DEBIAN: Final[Mapping[str, str]] = {
    "ca-certificates": "MPL-2.0 AND GPL-2.0-or-later",
    "chromium-headless-shell": "BSD-3-Clause, and many others; its own copy of FFmpeg: LGPL-2.1-or-later",
    "ffmpeg": "GPL-2.0-or-later",
    "fontconfig": "MIT",
    "fonts-dejavu-core": "Bitstream-Vera",
    "fonts-liberation": "OFL-1.1",
    "fonts-noto-cjk": "OFL-1.1",
    "fonts-noto-color-emoji": "OFL-1.1",
    "fonts-noto-core": "OFL-1.1",
    "python3": "PSF-2.0",
    "tini": "MIT",
}
"""The Debian packages that the images name: from their copyright files. The image itself lists all that it has."""

GO: Final[Mapping[str, str]] = {
    "github.com/coredns/coredns": "Apache-2.0",
    "github.com/rhysd/actionlint": "MIT",
    "github.com/spf13/cobra": "Apache-2.0",
    "go.etcd.io/etcd/server/v3": "Apache-2.0",
    "go.temporal.io/server": "MIT",
    "helm.sh/helm/v4": "Apache-2.0",
    "k8s.io/client-go": "Apache-2.0",
    "k8s.io/component-base": "Apache-2.0",
    "k8s.io/kubectl": "Apache-2.0",
    "k8s.io/kubernetes": "Apache-2.0",
}
"""The Go modules that development builds: from the LICENSE of each."""

PERMISSIVE: Final = re.compile(
    r"0BSD|Apache-2\.0( WITH LLVM-exception)?|BSD-[23]-Clause(-Clear)?|BSL-1\.0|CC0-1\.0|CDLA-Permissive-2\.0|ISC|MIT"
    r"|MIT-0|MPL-2\.0|PSF-2\.0|Unicode-3\.0|Unicode-DFS-2016|Unlicense|Zlib|bzip2-1\.0\.6|as the package"
)
"""What allows use in closed programs that are passed on; MPL-2.0 asks for changes of its own files alone."""


@dataclass(frozen=True)
class Part:
    """Something of somebody else's: its name, version, SPDX expression, home and the images that have it."""

    name: str
    version: str
    licence: str
    home: str
    images: tuple[str, ...]


def is_permissive(expression: str) -> bool:
    """Whether an SPDX expression lets one choose what asks for nothing but notices."""
    while inner := re.search(r"\(([^()]*)\)", expression):
        expression = expression.replace(inner[0], "MIT" if is_permissive(inner[1]) else "none")
    choices = re.split(r"\s+OR\s+", expression)
    return any(all(PERMISSIVE.fullmatch(part) for part in re.split(r"\s+AND\s+", choice)) for choice in choices)


def read_python_parts() -> list[Part]:
    """Return what the locks of both images install."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for image in IMAGES:
        for name, version in read_lock((CHECKOUT / "requirements" / f"{image}.txt").read_text(encoding="utf-8")):
            found[name, version].append(image)
    return [
        Part(name, version, read_licence(known), read_home(known), tuple(images))
        for (name, version), images in sorted(found.items())
        for known in [find_distribution(name)]
    ]


def read_lock(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of what a lock installs into an image."""
    for line in text.splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            wanted = Requirement(line.removesuffix("\\").strip())
            if wanted.marker is None or wanted.marker.evaluate({**IMAGE_PYTHON}):
                yield wanted.name, next(iter(wanted.specifier)).version


def find_distribution(name: str) -> Distribution:
    """Return what is installed here, in whatever version: licences are by project."""
    try:
        return distribution(name)
    except PackageNotFoundError as missing:
        raise DevError(f"{name} is locked and not installed here: run `make setup`") from missing


def read_licence(known: Distribution) -> str:
    """Return the SPDX expression of a package, by whichever field it says it in."""
    if known.name in UNSAID:
        return UNSAID[known.name]
    said = known.metadata
    words = [*(said.get_all("License-Expression") or ()), *(said.get_all("License") or ())]
    words += [name.rpartition(" :: ")[2] for name in said.get_all("Classifier") or () if name.startswith("License ::")]
    for word in words:
        if word and "\n" not in word and len(word) < 100 and word != "OSI Approved":
            return SPOKEN.get(word, word)
    raise DevError(f"{known.name} says no licence in a word")


def read_home(known: Distribution) -> str:
    """Return where a package comes from, nothing if it does not say."""
    urls = dict(url.split(", ", 1) for url in known.metadata.get_all("Project-URL") or ())
    lowered = {name.lower(): url for name, url in urls.items()}
    named = [lowered.get(name) for name in ("source", "source code", "repository", "homepage", "home")]
    return next((url for url in [*named, *(known.metadata.get_all("Home-page") or ())] if url), "")


def read_compiled_parts(parts: Iterable[Part]) -> dict[str, dict[str, list[str]]]:
    """Return the crates that are compiled into packages, by package and licence: from the packages' own SBOMs."""
    found: dict[str, dict[str, list[str]]] = {}
    for part in parts:
        known = find_distribution(part.name)
        for file in known.files or ():
            if file.match("*.dist-info/sboms/*.cyclonedx.json"):
                bill = json.loads(Path(str(known.locate_file(file))).read_text(encoding="utf-8"))
                found[part.name] = group_crates(bill["components"])
    return found


def group_crates(components: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Group the components of a CycloneDX bill by their licence."""
    groups: dict[str, set[str]] = defaultdict(set)
    for component in components:
        said = [entry.get("expression") or entry["license"].get("id") for entry in component.get("licenses", [])]
        # A licence that is only given as text: these are the package's own crates.
        groups[" AND ".join(word or "as the package" for word in said) or "as the package"].add(component["name"])
    return {licence: sorted(names) for licence, names in sorted(groups.items())}


def read_bundled_parts(parts: Iterable[Part]) -> dict[str, list[tuple[str, str]]]:
    """Return the shared libraries that wheels bring, by package: name and licence."""
    found = {}
    for part in parts:
        files = find_distribution(part.name).files or ()
        names = sorted({file.name.split("-")[0].split(".so")[0] for file in files if ".libs/" in str(file)})
        if names:
            found[part.name] = [(name, licence_of_library(name)) for name in names]
    return found


def licence_of_library(name: str) -> str:
    """Return the licence of a shared library.

    Raises:
        DevError: it is new here: look its licence up, and add it to the table.
    """
    fitting = [known for known in BUNDLED if name.startswith(known.split("-")[0])]
    if not fitting:
        raise DevError(f"a wheel brings {name}, whose licence is not known here: add it to BUNDLED in {__file__}")
    return BUNDLED[max(fitting, key=len)]


def read_player_parts() -> list[Part]:
    """Return the npm packages that are bundled into the replay page."""
    lock = json.loads((CHECKOUT / "worker/player/package-lock.json").read_text(encoding="utf-8"))
    return [
        Part(path.rpartition("node_modules/")[2], package["version"], package["license"], "", ("worker",))
        for path, package in sorted(lock["packages"].items())
        if path and not package.get("dev")
    ]


def read_debian_packages() -> dict[str, list[str]]:
    """Return the Debian packages that the last stage of each Dockerfile names, with the images that have them."""
    found: dict[str, list[str]] = defaultdict(list)
    for image in IMAGES:
        stage = (CHECKOUT / f"Dockerfile.{image}").read_text(encoding="utf-8").rpartition("\nFROM ")[2]
        listed = re.search(r"apt-get install --yes --no-install-recommends(.*?)&&", stage, re.DOTALL)
        for name in sorted((listed[1] if listed else "").replace("\\", " ").split()):
            found[name].append(image)
    return dict(sorted(found.items()))


def read_go_modules() -> dict[str, list[str]]:
    """Return the Go modules that the development tools are, by the folder that locks them."""
    found = {}
    for path in sorted((CHECKOUT / "dev").glob("*/go.mod")):
        text = path.read_text(encoding="utf-8")
        direct = re.findall(r"^(?:\t|require )(\S+) v\S+$", text, re.MULTILINE)
        tools = [name.split("/cmd/")[0] for name in re.findall(r"^tool (\S+)$", text, re.MULTILINE)]
        found[path.parent.name] = sorted({*direct, *tools})
    return found
