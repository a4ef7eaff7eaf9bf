"""`python -m benchmarks.rendering.linked`: a page with 200 linked images and web fonts, served over loopback.

Three ways of the same page, in turn, medians of whole commands: all as data URLs in the recording, linked with nothing
in the store (cold), and linked with everything in it (warm).
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import shutil
import statistics
import struct
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from benchmarks.rendering.processes import measure

FONT: Final = Path(__file__).parents[2] / "tests/integration/rendering/fidelity/media/blocks.woff2"
IMAGES: Final = 200
WIDTH: Final = 60  # pixels of an image
HEIGHT: Final = 40
SECONDS: Final = 15
START_MS: Final = 1_760_000_000_000
WAYS: Final = ("data URLs", "cold", "warm")

Node = dict[str, Any]


def draw_png(seed: int) -> bytes:
    """A picture of noise, which no encoder makes small: about 7 kB."""
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(3 * WIDTH) for _ in range(HEIGHT))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def build_events(link: Callable[[str, bytes, str], str]) -> list[dict[str, Any]]:
    """The recording: `link` says how a file is named in it."""
    ids = iter(range(1, 100_000))

    def element(tag: str, *children: Node, **attributes: str) -> Node:
        return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": list(children), "id": next(ids)}

    def text(content: str) -> Node:
        return {"type": 3, "textContent": content, "id": next(ids)}

    faces = "".join(
        f"@font-face{{font-family:f{number};src:url('{link(f'font{number}.woff2', FONT.read_bytes(), 'font/woff2')}')}}"
        for number in range(4)
    )
    css = element("style", text(f"{faces}body{{margin:0}}img{{margin:2px}}"))
    images = [
        element(
            "img", src=link(f"image{number}.png", draw_png(number), "image/png"), width=str(WIDTH), height=str(HEIGHT)
        )
        for number in range(IMAGES)
    ]
    lines = [element("p", text("AB"), style=f"font:20px f{number}") for number in range(4)]
    moved = element("div", style="position:fixed;left:0;top:0;width:40px;height:40px;background:navy")
    html = element("html", element("head", css), element("body", *lines, *images, moved))
    document = {"type": 0, "childNodes": [html], "id": next(ids)}

    def event(at: int, kind: int, **data: Any) -> dict[str, Any]:
        return {"type": kind, "timestamp": START_MS + at, "data": data}

    events = [
        event(0, 4, href="http://page.example/", width=1280, height=720),
        event(0, 2, node=document, initialOffset={"left": 0, "top": 0}),
    ]
    for at in range(100, SECONDS * 1000, 100):
        change = {"id": moved["id"], "attributes": {"style": {"left": f"{at % 1200}px"}}}
        events.append(event(at, 3, source=0, adds=[], removes=[], texts=[], attributes=[change]))
    return events


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder over loopback; its URL."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_recordings(folder: Path, files: Path, url: str) -> dict[str, Path]:
    """The recordings of each way, and the files that the server gives."""

    def linked(name: str, body: bytes, kind: str) -> str:
        (files / name).write_bytes(body)
        return f"{url}/{name}"

    def inline(name: str, body: bytes, kind: str) -> str:
        return f"data:{kind};base64,{base64.b64encode(body).decode()}"

    paths = {"linked": folder / "linked.json", "data URLs": folder / "inline.json"}
    paths["linked"].write_text(json.dumps(build_events(linked)))
    paths["data URLs"].write_text(json.dumps(build_events(inline)))
    return {"data URLs": paths["data URLs"], "cold": paths["linked"], "warm": paths["linked"]}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    taken: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, cache = folder / "files", folder / "cache"
        files.mkdir()
        with serving(files) as url:
            recordings = write_recordings(folder, files, url)
            environment = {
                "VIDEO_EXPORT_ASSET_CACHE": str(cache),
                "VIDEO_EXPORT_ASSET_HOSTS": "127.0.0.1@127.0.0.0/8",
            }
            for _ in range(runs):
                for way in WAYS:
                    if way == "cold":
                        shutil.rmtree(cache, ignore_errors=True)
                    command = ["video_export_worker", "render", str(recordings[way]), "-o", str(folder / "video.mp4")]
                    result = measure([sys.executable, "-m", *command, "--force", "--json"], environment)
                    taken[way].append(result)
                    assert not result["report"]["assets"]["missing"], result["report"]["assets"]
    print("200 linked images and 4 web fonts | wall_s | cpu_s | over data URLs")
    inline = statistics.median(result["wall_s"] for result in taken["data URLs"])
    for way, results in taken.items():
        wall, cpu = (statistics.median(result[name] for result in results) for name in ("wall_s", "cpu_s"))
        print(f"{way} | {wall:.2f} | {cpu:.2f} | {100 * (wall / inline - 1):+.1f} %")


if __name__ == "__main__":
    main()
