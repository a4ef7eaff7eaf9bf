"""How things look: form fields, text, pictures, drawings, what CSS can do, canvases."""

from __future__ import annotations

from tests.integration.rendering.fidelity.gallery import feature, media, svg_picture
from tests.snapshots import Page

TRANSPARENT_DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"
    "AABJRU5ErkJggg=="
)
RED_SQUARE = svg_picture("<rect width='40' height='40' fill='red'/>")


@feature(0, 120, 200, 280)
def form_fields(page: Page) -> None:
    text = page.element("input", type="text", value="text")
    check, radio = page.element("input", type="checkbox"), page.element("input", type="radio")
    slider = page.element("input", type="range", value="20")
    options = [page.element("option", name, value=name) for name in ("one", "two", "three")]
    choice = page.element("select", *options)
    listed = page.element("select", page.element("option", "a"), page.element("option", "b", selected=True), size="3")
    note = page.element("textarea", rows="2", value="note")
    secret = page.element("input", type="password", value="secret")
    colour = page.element("input", type="color", value="#ff8800")
    day = page.element("input", type="date", value="2026-11-22")
    button = page.element("button", "send", disabled="")
    fields = [text, check, radio, slider, choice, listed, note, secret, colour, day, button]
    page.show(page.document([page.element("form", *fields)], "input[type=text],input[type=password]{width:70px}"))

    def enter(at: int, field: dict[str, object], value: str, checked: bool = False) -> None:
        page.add(at, 3, {"source": 5, "id": field["id"], "text": value, "isChecked": checked})

    enter(80, text, "typed")
    enter(80, check, "on", True)
    enter(80, radio, "on", True)
    enter(160, slider, "90")
    enter(160, choice, "three")
    enter(240, note, "two\nlines")
    enter(240, secret, "*" * 9)
    page.change(240, button, disabled=None)


@feature(0, 160, 320)
def details_and_lists(page: Page) -> None:
    more = page.element("details", page.element("summary", "more"), page.element("p", "hidden at first"))
    items = page.element("ol", page.element("li", "one"), page.element("li", "two"), start="7")
    css = (
        "ol{counter-reset:c} li::marker{color:red} p::first-letter{font-size:30px}"
        "li::after{counter-increment:c;content:' (' counter(c) ')'}"
    )
    page.show(page.document([more, items], css)).change(120, more, open="")


@feature(0, 120, 240)
def late_fonts(page: Page) -> None:
    """A font that a style brings, used at once; another by the font interface."""
    source = f"url({media('blocks.woff2', 'font/woff2')})"
    css = f"@font-face{{font-family:Blocks;src:{source}}} p{{margin:6px;font-size:30px}}"
    first, second = page.element("p", "plain"), page.element("p", "plain")
    page.show(page.document([first, second], css))
    page.change(100, first, style="font-family:Blocks")
    page.change(180, second, style="font-family:Late")
    page.add(220, 3, {"source": 10, "family": "Late", "fontSource": source, "buffer": False, "descriptors": {}})


@feature(0, 160)
def pictures(page: Page) -> None:
    """From every place that can name one: shown in the frame that brings them."""
    css = "img,input,div,svg{width:40px;height:40px;margin:3px;float:left} p{clear:both;margin:0}"
    page.show(page.document([body := page.element("section")], css))
    dashed = svg_picture("<circle cx='20' cy='20' r='15' fill='none' stroke='blue' stroke-dasharray='4'/>")
    page.append(
        120,
        body,
        page.element("img", src=RED_SQUARE, decoding="async"),
        page.element("img", srcset=f"{dashed} 1x", alt="srcset"),
        page.element(
            "picture",
            page.element("source", srcset=RED_SQUARE, media="(min-width:1px)"),
            page.element("img", src=dashed),
        ),
        page.element("input", type="image", src=RED_SQUARE),
        page.element("div", style=f"background:url('{dashed}') 0 0/20px, lightgrey"),
        page.element("div", style=f"border:10px solid;border-image:url('{RED_SQUARE}') 30;box-sizing:border-box"),
        page.element("div", style=f"background:green;mask:url('{dashed}')"),
        page.element("div", style=f"content:url('{RED_SQUARE}')"),
        page.svg("svg", page.svg("image", href=RED_SQUARE, width="30", height="30")),
        page.element("img", src=TRANSPARENT_DOT, style="background:khaki"),
        page.element("p", page.element("img", src="http://127.0.0.1:1/absent.png", alt="absent", style="width:80px")),
    )


@feature(0)
def drawings(page: Page) -> None:
    stops = [page.svg("stop", offset="0", stop_color="red"), page.svg("stop", offset="1", stop_color="blue")]
    defs = page.svg(
        "defs",
        page.svg("linearGradient", *stops, id="g"),
        page.svg("filter", page.svg("feGaussianBlur", stdDeviation="3"), id="f"),
        page.svg("clipPath", page.svg("circle", cx="160", cy="50", r="40"), id="c"),
        page.svg("symbol", page.svg("path", d="M0 0L30 0L15 30z"), id="s", viewBox="0 0 30 30"),
    )
    drawn = page.svg(
        "svg",
        defs,
        page.svg("rect", x="10", y="10", width="80", height="80", fill="url(#g)"),
        page.svg("rect", x="120", y="10", width="80", height="80", fill="url(#g)", clip_path="url(#c)"),
        page.svg("rect", x="230", y="20", width="60", height="60", fill="green", filter="url(#f)"),
        page.svg("use", href="#s", x="20", y="120", width="50", height="50", fill="orange"),
        page.svg("text", "text on a path?", x="100", y="150", font_size="20", fill="none", stroke="black"),
        page.svg("foreignObject", page.element("b", "HTML inside"), x="100", y="160", width="200", height="30"),
        width="320", height="200",
    )  # fmt: skip
    page.show(page.document([drawn]))


@feature(0, 160)
def what_css_can_do(page: Page) -> None:
    css = """
      .g{display:grid;grid-template-columns:repeat(4,1fr);gap:6px;padding:6px}
      .g>*{height:52px;background:steelblue;color:white;overflow:hidden}
      .a{border-radius:50% 10px;box-shadow:4px 4px 6px #0008,inset 0 0 8px white}
      .b{transform:perspective(100px) rotateY(40deg)} .c{clip-path:polygon(50% 0,100% 100%,0 100%)}
      .d{background:conic-gradient(red,gold,lime,aqua,blue,magenta,red)!important;mix-blend-mode:multiply}
      .e{filter:hue-rotate(90deg) drop-shadow(3px 3px 2px black)} .f{writing-mode:vertical-rl}
      .h{container-type:inline-size} @container (max-width:100px){.h b{color:yellow}}
      .i{columns:3;font-size:9px} .j:has(u){outline:3px dashed red;outline-offset:-4px}
      .k{position:relative;&::after{content:'';position:absolute;inset:10px;backdrop-filter:blur(3px) invert(1)}}
      .l{background:color-mix(in oklch,red,blue)!important;text-shadow:1px 1px 3px black}
    """
    cells = {name: page.element("div", page.element("b", name.upper() * 6), class_=name) for name in "abcdefhijkl"}
    page.show(page.document([page.element("div", *cells.values(), class_="g")], css))
    page.append(120, cells["j"], page.element("u", "has"))


@feature(0, 120, 240, 360, canvas=True)
def a_flat_canvas(page: Page) -> None:
    """Its picture from the snapshot, and then what was drawn on it, also with a picture."""
    canvas = page.element("canvas", width="100", height="80", rr_dataURL=TRANSPARENT_DOT, style="background:khaki")
    page.show(page.document([canvas]))

    def draw(at: int, *commands: tuple[str, object]) -> None:
        calls = [
            {
                "property": name,
                "args": value if isinstance(value, list) else [value],
                "setter": not isinstance(value, list),
            }
            for name, value in commands
        ]
        page.add(at, 3, {"source": 9, "id": canvas["id"], "type": 0, "commands": calls})

    draw(80, ("fillStyle", "teal"), ("fillRect", [10, 10, 50, 30]))
    draw(200, ("beginPath", []), ("arc", [60, 50, 25, 0, 6.3]), ("globalAlpha", 0.5), ("fill", []))
    picture = {"rr_type": "HTMLImageElement", "src": RED_SQUARE}
    draw(320, ("globalAlpha", 1), ("drawImage", [picture, 60, 0, 30, 30]), ("fillText", ["text", 10, 70]))


@feature(0, 120, 240, canvas=True)
def a_canvas_with_depth(page: Page) -> None:
    """WebGL: cleared, and a triangle."""
    canvas = page.element("canvas", width="100", height="80")
    page.show(page.document([canvas]))

    def call(at: int, *commands: tuple[str, list[object]]) -> None:
        calls = [{"property": name, "args": given} for name, given in commands]
        page.add(at, 3, {"source": 9, "id": canvas["id"], "type": 1, "commands": calls})

    call(80, ("clearColor", [0, 0.5, 0.5, 1]), ("clear", [16384]))
    vertex, fragment = {"rr_type": "WebGLShader", "index": 0}, {"rr_type": "WebGLShader", "index": 1}
    program, buffer = {"rr_type": "WebGLProgram", "index": 0}, {"rr_type": "WebGLBuffer", "index": 0}
    corners = {"rr_type": "Float32Array", "args": [[-0.8, -0.8, 0.8, -0.8, 0, 0.8]]}
    call(
        200,
        ("createShader", [35633]), ("createShader", [35632]), ("createProgram", []), ("createBuffer", []),
        ("shaderSource", [vertex, "attribute vec2 p;void main(){gl_Position=vec4(p,0,1);}"]),
        ("shaderSource", [fragment, "void main(){gl_FragColor=vec4(1,.6,0,1);}"]),
        ("compileShader", [vertex]), ("compileShader", [fragment]),
        ("attachShader", [program, vertex]), ("attachShader", [program, fragment]), ("linkProgram", [program]),
        ("useProgram", [program]), ("bindBuffer", [34962, buffer]), ("bufferData", [34962, corners, 35044]),
        ("enableVertexAttribArray", [0]), ("vertexAttribPointer", [0, 2, 5126, False, 0, 0]),
        ("clear", [16384]), ("drawArrays", [4, 0, 3]),
    )  # fmt: skip


@feature(0, 160, 280, 400)
def mobile_wireframes(page: Page) -> None:
    """A screen of a mobile app as PostHog records it: shapes, texts, inputs, a screenshot's picture, a keyboard."""
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    at = {"x": 10, "width": 140, "height": 22}
    tile: dict[str, object] = {"type": "rectangle", "style": {"backgroundColor": "#2e7d32", "borderRadius": "6px"}}
    label = {"type": "text", "text": "Orders", "style": {"color": "#ffffff", "fontSize": 14, "paddingLeft": "8"}}
    inner = {**label, **at, "id": 3, "y": 30, "x": 14}
    wireframes = [
        {
            "id": 1,
            "type": "status_bar",
            "x": 0,
            "y": 0,
            "width": "100vw",
            "height": 20,
            "style": {"backgroundColor": "#444"},
        },
        {**tile, **at, "id": 2, "y": 28, "height": 40, "childWireframes": [inner]},
        {**at, "id": 4, "y": 80, "type": "input", "inputType": "text", "value": "pizza", "disabled": False},
        {**at, "id": 5, "y": 106, "type": "input", "inputType": "toggle", "checked": True, "label": "Spicy"},
        {**at, "id": 6, "y": 132, "type": "input", "inputType": "progress", "value": 3, "style": {"bar": "rating"}},
        {**at, "id": 7, "y": 158, "type": "input", "inputType": "button", "value": "Pay"},
        {"id": 8, "type": "image", "x": 170, "y": 30, "width": 60, "height": 60, "base64": dot},
        {"id": 9, "type": "web_view", "url": "shop.test", "x": 240, "y": 30, "width": 70, "height": 60},
        {"id": 10, "type": "map", "x": 170, "y": 100, "width": 140, "height": 60},
    ]
    page.add(0, 4, {"href": "", "width": page.width, "height": page.height})
    page.add(0, 2, {"wireframes": wireframes, "initialOffset": {"top": 0, "left": 0}})
    paid = {**wireframes[5], "value": "Paid", "style": {"backgroundColor": "#cfe8cf"}}
    page.add(120, 3, {"source": 0, "updates": [{"parentId": 0, "wireframe": paid}]})
    added = {"parentId": 2, "wireframe": {**at, "id": 11, "x": 170, "y": 165, "type": "text", "text": "added"}}
    page.add(240, 3, {"source": 0, "removes": [{"parentId": 0, "id": 9}], "adds": [added]})
    page.add(360, 5, {"tag": "keyboard", "payload": {"open": True, "height": 70}})
