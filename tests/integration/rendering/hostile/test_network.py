"""No recording reaches the network: listening sockets on loopback see nothing, whatever it contains."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.rendering.fidelity.views import by_product, lay_out, look
from tests.integration.rendering.hostile.listeners import HOST, Listeners, listening
from tests.snapshots import Node, Page
from video_export_worker.contract import Mouse
from video_export_worker.errors import RenderFailed
from video_export_worker.replay import browser as launching
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.page import Stage
from video_export_worker.replay.settings import ChromiumSettings

GREEN = [0, 128, 0]


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    with listening() as sockets:
        yield sockets


def peer_configuration(listeners: Listeners) -> dict[str, Any]:
    """WebRTC sends to these servers as soon as a connection is constructed."""
    relay = {"urls": f"turn:{HOST}:{listeners.tcp_port}?transport=tcp", "username": "x", "credential": "x"}
    return {"iceServers": [{"urls": f"stun:{HOST}:{listeners.udp_port}"}, relay], "iceCandidatePoolSize": 4}


def constructions(listeners: Listeners) -> Iterator[dict[str, Any]]:
    """Arguments of canvas commands: rrweb constructs what they name."""
    url = listeners.url
    yield {"rr_type": "RTCPeerConnection", "args": [peer_configuration(listeners)]}
    yield {"rr_type": "webkitRTCPeerConnection", "args": [peer_configuration(listeners)]}
    yield {"rr_type": "Path2D", "args": [{"rr_type": "RTCPeerConnection", "args": [peer_configuration(listeners)]}]}
    yield {
        "rr_type": "Uint8Array",
        "args": [[{"rr_type": "RTCPeerConnection", "args": [peer_configuration(listeners)]}]],
    }
    yield {"rr_type": "WebSocket", "args": [url("websocket", "ws")]}
    yield {"rr_type": "WebTransport", "args": [f"https://{HOST}:{listeners.udp_port}/"]}
    yield {"rr_type": "EventSource", "args": [url("event-source")]}
    yield {"rr_type": "Worker", "args": [url("worker")]}
    yield {"rr_type": "SharedWorker", "args": [url("shared-worker")]}
    yield {"rr_type": "Audio", "args": [url("audio")]}
    yield {"rr_type": "FontFace", "args": ["x", f"url({url('font-face')})"]}
    yield {"rr_type": "PresentationRequest", "args": [url("presentation")]}
    yield {"rr_type": "Function", "args": [f"fetch('{url('function')}')"]}
    yield {"rr_type": "HTMLImageElement", "src": url("image-of-a-canvas")}


def elements(page: Page, listeners: Listeners) -> Iterator[Node]:
    """Elements that load, connect or navigate by themselves."""
    url = listeners.url
    rels = "preconnect dns-prefetch prefetch prerender preload modulepreload stylesheet icon manifest import alternate"
    for rel in [*rels.split(), rels, "PreConnect"]:
        yield page.element("link", rel=rel, href=url(f"link-{rel.split()[0]}"), **{"as": "script"})
    yield page.element("LINK", **{"REL": "preconnect", "HREF": url("link-in-capitals")})
    for tag in (
        "img",
        "iframe",
        "frame",
        "embed",
        "script",
        "video",
        "audio",
        "source",
        "track",
        "input",
        "IMG",
        "portal",
    ):
        yield page.element(
            tag, src=url(tag), type="image", srcset=f"{url(f'{tag}-set')} 1x", poster=url(f"{tag}-poster")
        )
    yield page.element("object", data=url("object"))
    yield page.element("body", background=url("background"))
    yield page.element("table", background=url("background-of-a-table"))
    yield page.element("img", rr_dataURL=url("data-url"))
    yield page.element("base", href=url("base"))
    yield page.element("a", "x", href=url("a"), ping=url("ping"), autofocus="")
    yield page.element("img", attributionsrc=url("attribution"), src=url("img"))
    yield page.element("meta", http_equiv="refresh", content=f"0;url={url('refresh')}")
    yield page.element("META", **{"HTTP-EQUIV": "Refresh", "content": f"0;url={url('refresh-in-capitals')}"})
    yield page.element("script", json.dumps({"prefetch": [{"urls": [url("speculation")]}]}), type="speculationrules")
    css = [f"@import url({url('import')});", f"@font-face{{font-family:f;src:url({url('font')})}}"]
    css += [f".{name}{{{name}:url({url(name)})}}" for name in ("background", "cursor", "list-style", "filter", "mask")]
    yield page.element("style", *css)
    for name in ("background", "cursor", "list-style", "filter", "mask"):
        yield page.element("p", "x", class_=name, style=f"font-family:f;{name}:url({url(f'{name}-inline')})")
    for tag in ("image", "use", "feImage", "script", "a"):
        yield page.svg("svg", page.svg(tag, href=url(f"svg-{tag}"), **{"xlink:href": url(f"svg-xlink-{tag}")}))
    yield page.element("iframe", srcdoc=f"<link rel=preconnect href={url('srcdoc')}><img src={url('srcdoc-img')}>")


def hostile_page(listeners: Listeners, *, with_canvas: bool) -> Page:
    """A green square, and beside it everything that could reach the network, at once and by mutations."""
    page = Page()
    url = listeners.url
    square = page.element("div", style="width:100px;height:80px;background:green")
    link, frame, meta = (page.element(tag) for tag in ("link", "iframe", "meta"))
    hidden = page.element("div", *elements(page, listeners), style="position:absolute;top:120px;opacity:0")
    canvas = (
        [page.element("canvas", width="100", height="80", style="position:absolute;top:100px")] if with_canvas else []
    )
    page.show(page.document([square, hidden, frame, *canvas], head=[link, meta]))
    page.change(100, link, rel="preconnect", href=url("late-link"))
    page.change(100, frame, srcdoc=f"<img src={url('late-srcdoc')}>", src=url("late-frame"))
    page.change(100, meta, http_equiv="refresh", content=f"0;url={url('late-refresh')}")
    page.append(120, hidden, *elements(page, listeners))
    page.add(140, 3, {"source": 10, "family": "late", "buffer": False, "fontSource": f"url({url('late-font')})"})
    rule = {"rule": f"body{{background-image:url({url('adopted')})}}"}
    adopted: dict[str, Any] = {"source": 15, "id": 1, "styleIds": [1], "styles": [{"styleId": 1, "rules": [rule]}]}
    page.add(160, 3, adopted)
    if with_canvas:
        commands: list[dict[str, Any]] = [
            {"property": "fillRect", "args": [made, 0, 1, 1]} for made in constructions(listeners)
        ]
        commands += [{"property": "filter", "args": [f"url({url('canvas-filter')}#f)"], "setter": True}]
        for command in commands:
            page.add(200, 3, {"source": 9, "id": canvas[0]["id"], "type": 0, "commands": [command]})
        page.add(200, 3, {"source": 9, "id": canvas[0]["id"], "type": 0, **commands[0]})
        page.add(200, 3, {"source": 9, "id": canvas[0]["id"], "type": 1, "commands": commands})
    return page.end(1500)


@pytest.mark.parametrize("with_canvas", [False, True], ids=["without scripts", "with the canvas mode"])
async def test_nothing_in_a_recording_sends_a_packet(
    with_canvas: bool, listeners: Listeners, chromium: ChromiumSettings
) -> None:
    recording = hostile_page(listeners, with_canvas=with_canvas).recording()
    shown = await by_product(recording, lay_out(recording), look(recording, mouse=Mouse(cursor=False)), chromium)
    assert listeners.drain() == []
    assert {tuple(frame[40, 50, 2::-1]) for frame in shown} == {tuple(GREEN)}, "the page was taken over"


# As if a recording had found a way to run a script in the replay page.
TAKEN_OVER = """(async ({ url, secure, socket, peer, late }) => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const tries = [];
  for (const scope of [window, frame.contentWindow]) {
    tries.push(() => new scope.RTCPeerConnection(peer).createDataChannel("x"));
    tries.push(() => new scope.RTCPeerConnection(peer).createOffer());
    tries.push(() => new scope.WebTransport(secure).ready, () => new scope.WebSocket(socket));
    tries.push(() => scope.fetch(url + "fetch"), () => scope.navigator.sendBeacon(url + "beacon"));
    tries.push(() => scope.fetch(url + "cors", { mode: "no-cors" }), () => new scope.EventSource(url + "events"));
    tries.push(() => new scope.Worker(url + "worker"));
    const add = (tag, properties) => () => scope.document.body.append(
      Object.assign(scope.document.createElement(tag), properties));
    tries.push(add("img", { src: url + "image" }));
    for (const rel of ["preconnect", "dns-prefetch", "prefetch", "prerender", "preload"])
      tries.push(add("link", { rel, as: "image", href: url + rel }));
  }
  const waiting = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, late))]);
  await Promise.all(tries.map(async (attempt) => { try { await waiting(attempt()); } catch {} }));
  await waiting(new Promise(() => {}));
})(%s)"""
NAVIGATE = """(({ url }) => {
  open(url + "open");
  const form = document.createElement("form");
  form.action = url + "form";
  document.body.append(form);
  form.submit();
  location = url + "location";
})(%s)"""
LATE_MS = 1000  # WebRTC and preconnections have sent something by then


async def take_over(listeners: Listeners, chromium: ChromiumSettings) -> list[str]:
    given = {
        "url": listeners.url(""),
        "secure": f"https://{HOST}:{listeners.udp_port}/",
        "socket": listeners.url("socket", "ws"),
        "peer": peer_configuration(listeners),
        "late": LATE_MS,
    }
    async with open_page(chromium, Stage(320, 240)) as page:
        assert (
            await page.evaluate("typeof RTCPeerConnection + typeof WebSocket + typeof fetch", "load") == "undefined" * 3
        )
        await page.pump_until(page.evaluate(TAKEN_OVER % json.dumps(given), "load"), "load")
        with contextlib.suppress(RenderFailed):  # the page ends by a navigation, or hangs in it
            await page.evaluate(NAVIGATE % json.dumps(given), "load")
    return listeners.drain()


async def test_a_script_in_the_page_would_not_reach_the_network_either(
    listeners: Listeners, chromium: ChromiumSettings
) -> None:
    assert await take_over(listeners, chromium) == []


async def test_the_listeners_would_see_it(
    listeners: Listeners, chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what confines the browser the same script reaches both sockets: the tests above can fail."""
    confining = ("--proxy-", "--host-resolver-rules", "--force-webrtc", "--dns-prefetch-disable")
    flags = tuple(flag for flag in launching.FLAGS if not flag.startswith(confining))
    monkeypatch.setattr(launching, "FLAGS", flags)
    monkeypatch.setattr(launching, "CSP", "script-src 'nonce-{nonce}'")
    seen: list[str] = []
    for _ in range(5):  # a slow machine may not send all of it in one second
        seen += await take_over(listeners, chromium)
        if all(any(kind in line for line in seen) for kind in ("UDP", "TCP")):
            break
    assert any("UDP" in line for line in seen), seen
    assert any("TCP" in line for line in seen), seen
