"""What moves: animations, transitions, SMIL, pictures with frames, clips, progress bars, scrolling."""

from __future__ import annotations

from tests.integration.rendering.fidelity.gallery import feature, media, svg_picture
from tests.snapshots import Node, Page


def dot(page: Page, css: str, text: str = "") -> Node:
    return page.element("div", text, style="width:20px;height:20px;margin:3px;background:crimson;" + css)


@feature(0, 200, 480, 1000, lasts=1120)
def animations(page: Page) -> None:
    css = (
        "@keyframes go{to{translate:200px}} @keyframes hue{50%{background:blue}}"
        ".c::before{content:'x';animation:go 1s linear infinite;display:block}"
    )
    page.show(
        page.document(
            [
                dot(page, "animation:go 1s linear"),
                dot(page, "animation:go .7s ease-in-out infinite alternate,hue .5s infinite"),
                dot(page, "animation:go 1s steps(5) -.3s infinite"),
                dot(page, "animation:go .4s cubic-bezier(.5,-1,.5,2) .2s forwards"),
                paused := dot(page, "animation:go 1s linear infinite;animation-play-state:paused"),
                page.element("div", class_="c"),
            ],
            css,
        )
    )
    page.change(250, paused, style={"animation-play-state": "running"})
    page.change(610, paused, style={"animation-play-state": "paused"})


@feature(0, 120, 160, 200, 240, 360, 480)
def transitions(page: Page) -> None:
    """One begins between two frames, one is turned round half way, one is of a size, one of `display`."""
    css = (
        ".m{transition:translate .2s linear} .w{transition:width .3s}"
        ".d{transition:opacity .2s,display .2s allow-discrete}"
    )
    moving, wide, leaving = (
        dot(page, "translate:0px", ""),
        dot(page, "width:20px;background:teal"),
        dot(page, "background:orange"),
    )
    moving["attributes"]["class"], wide["attributes"]["class"], leaving["attributes"]["class"] = "m", "w", "d"
    page.show(page.document([moving, wide, leaving], css))
    page.change(101, moving, style={"translate": "200px"}).change(130, wide, style={"width": "250px"})
    page.change(140, leaving, style={"opacity": "0", "display": "none"})
    page.change(213, moving, style={"translate": "0px"})


@feature(0, 200, 400)
def movement_in_svg(page: Page) -> None:
    circle = page.svg(
        "circle",
        page.svg("animate", attributeName="cx", from_="20", to="300", dur="1s", repeatCount="indefinite"),
        page.svg("set", attributeName="fill", to="blue", begin="0.2s"),
        cx="20", cy="30", r="15", fill="red",
    )  # fmt: skip
    turn = page.svg(
        "animateTransform", attributeName="transform", type="rotate", from_="0 60 120", to="360 60 120", dur="2s"
    )
    square = page.svg("rect", turn, x="40", y="100", width="40", height="40", fill="green")
    path = page.svg("path", d="M150 150 Q220 60 300 150", fill="none", stroke="grey")
    rider = page.svg(
        "circle", page.svg("animateMotion", path="M150 150 Q220 60 300 150", dur="1s"), r="8", fill="purple"
    )
    page.show(page.document([page.svg("svg", circle, square, path, rider, width="320", height="200")]))


@feature(0, 200, 400, 640)
def pictures_with_frames(page: Page) -> None:
    gif = media("wheel.gif", "image/gif")
    spinner = svg_picture(
        "<style>@keyframes r{to{transform:rotate(1turn)}}rect{animation:r 1s infinite}</style>"
        "<rect width='20' height='20' fill='teal'/>"
        "<circle r='9' cx='30' cy='30'><animate attributeName='r' to='0' dur='1s'/></circle>"
    )
    css = f"img,div{{width:40px;height:40px;margin:4px;float:left}} div{{background:url({gif})}}"
    shown = [page.element("img", src=media(f"wheel.{kind}", f"image/{kind}")) for kind in ("gif", "png", "webp")]
    page.show(page.document([*shown, page.element("div"), page.element("img", src=spinner)], css))


@feature(0, 200, 400, 600, 800)
def clips(page: Page) -> None:
    """One that plays, one paused at a second, one begun and stopped, one without pictures, one that is added late."""
    clip = media("clip.webm", "video/webm")
    css = "video{width:64px;height:48px;margin:2px;background:black}"
    playing = page.element("video", src=clip, rr_mediaState="played", rr_mediaCurrentTime=0.53)
    paused = page.element("video", src=clip, rr_mediaState="paused", rr_mediaCurrentTime=1)
    started = page.element("video", src=clip)
    absent = page.element(
        "video", src="http://127.0.0.1:1/x.mp4", poster=svg_picture("<rect width='40' height='40' fill='tan'/>")
    )
    controls = page.element("video", src=clip, controls="", style="width:150px;height:80px")
    body = page.element("div", playing, paused, started, absent, controls, page.element("audio", src=clip))
    page.show(page.document([body], css))
    page.add(180, 3, {"source": 7, "id": started["id"], "type": 0, "currentTime": 0.23})
    page.add(500, 3, {"source": 7, "id": started["id"], "type": 1, "currentTime": 0.5})
    page.append(330, body, page.element("video", src=clip, autoplay="", loop=""))


@feature(0, 200, 400, 800)
def progress_and_meters(page: Page) -> None:
    busy = page.element("progress", style="width:200px")
    known = page.element("progress", value="30", max="100")
    styled = page.element("progress", class_="own")
    level = page.element("meter", value="0.8", min="0", max="1", low=".3", high=".7", optimum=".1")
    parts = [page.element("p", part) for part in (busy, known, styled, level)]
    css = ".own{appearance:none;height:10px} .own::-webkit-progress-bar{background:plum}"
    page.show(page.document(parts, css)).change(640, busy, value="0.7")


@feature(0, 80, 160, 280, 400)
def scrolling(page: Page) -> None:
    """The window, an element, one with smooth scrolling, something sticky, an animation that follows the scrolling."""
    lines = [
        page.element("p", f"line {n}", style=f"margin:0;height:30px;background:hsl({n * 30} 80% 80%)")
        for n in range(30)
    ]
    inner = page.element(
        "div",
        page.element("div", style="height:900px;background:linear-gradient(red,blue)"),
        style="position:fixed;right:10px;top:60px;width:100px;height:100px;overflow:auto;scroll-behavior:smooth",
    )
    header = page.element("h3", "sticky", style="position:sticky;top:0;margin:0;background:white")
    bar = page.element(
        "div",
        style="position:fixed;bottom:0;height:8px;width:100%;background:red;transform-origin:0 0;"
        "animation:grow linear;animation-timeline:scroll()",
    )
    css = "html{scroll-behavior:smooth} @keyframes grow{from{transform:scaleX(0)}}"
    document = page.document([bar, header, *lines, inner], css)
    page.show(document)
    page.scroll(60, document, 40).scroll(130, document, 350).scroll(130, inner, 300)
    page.scroll(250, document, 100).scroll(360, inner, 10_000)


@feature(0, 160)
def scrolled_before_pictures_came(page: Page) -> None:
    """The page is as long as its pictures make it; it was recorded scrolled down."""
    tall = svg_picture("<rect width='300' height='900' fill='gold'/><rect y='500' width='300' height='50'/>", 300, 900)
    page.show(page.document([page.element("img", src=tall, loading="lazy"), page.element("p", "the end")]))
    page.events[-1]["data"]["initialOffset"] = {"top": 480, "left": 0}


@feature(0, 400)
def carets(page: Page) -> None:
    """No caret: it blinks by the machine's clock."""
    field = page.element("input", value="text", style="font-size:40px;width:200px;caret-color:red!important")
    note = page.element("textarea", "note", style="caret-color:auto")
    page.show(page.document([field, note])).interact(80, 5, field).interact(240, 5, note)
