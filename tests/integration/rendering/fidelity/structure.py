"""What pages are made of: frames, shadow trees, style sheets, documents."""

from __future__ import annotations

from tests.integration.rendering.fidelity.gallery import feature, svg_picture
from tests.snapshots import Node, Page

BOX = "position:absolute;width:60px;height:40px;"
SLIDE = "@keyframes slide{to{transform:translateX(200px)}}"


@feature(0, 200, 400)
def nested_frames(page: Page) -> None:
    outer = page.element(
        "iframe", style="position:absolute;left:10px;top:10px;width:200px;height:160px;border:3px solid"
    )
    page.show(page.document([outer], "body{background:#eef}"))
    inner = page.element("iframe", style="width:120px;height:80px;margin:10px;border:1px dashed red")
    text = page.text("outer")
    page.attach(80, outer, page.document([page.element("p", text), inner], "body{background:#efe}"))
    moving = page.element("div", style="width:20px;height:20px;background:red;animation:slide 1s linear")
    word = page.text("inner")
    page.attach(120, inner, page.document([page.element("b", word), moving], SLIDE + "body{background:#fee}"))
    page.write(360, word, "changed").write(360, text, "too")


@feature(0, 240, 480)
def shadow_trees(page: Page) -> None:
    deep = page.element("x-deep")
    label = page.element("span", "deep", class_="label")
    moving = page.element("div", class_="move")
    rules = (
        ".label{color:white;background:purple;padding:4px}"
        ".move{width:20px;height:20px;background:teal;animation:slide 1s linear}"
    )
    page.shadow(deep, page.element("style", rules + SLIDE), label, moving, page.element("noscript", "no script here"))
    card = page.element("x-card", page.element("i", "slotted"))
    frame = page.element("div", page.element("slot"), deep, style="border:2px solid purple;padding:8px;width:200px")
    page.shadow(card, page.element("style", "i{color:red} ::slotted(i){color:green;font-size:24px}"), frame)
    page.show(page.document([card], "i{text-decoration:underline} .label{background:red}"))
    page.change(200, label, class_="other").append(400, frame, page.element("b", "added in the shadow"))


@feature(0, 120, 200, 280, 360)
def adopted_style_sheets(page: Page) -> None:
    host = page.element("x-host")
    page.shadow(host, page.element("p", "in the shadow"))
    document = page.document([page.element("p", "in the document"), host])
    page.show(document)
    rules = [{"rule": "p{background:gold;padding:10px}", "index": 0}]
    page.add(80, 3, {"source": 15, "id": host["id"], "styles": [{"styleId": 1, "rules": rules}], "styleIds": [1]})
    page.add(160, 3, {"source": 15, "id": document["id"], "styleIds": [1]})
    page.add(240, 3, {"source": 8, "styleId": 1, "replaceSync": "p{background:skyblue;border:3px solid navy}"})
    page.add(320, 3, {"source": 15, "id": host["id"], "styleIds": []})


@feature(0, 120, 200, 280, 360)
def rules_and_declarations(page: Page) -> None:
    style = page.element("style", "p{padding:10px} @media all{p{margin:5px}}")
    page.show(page.document([page.element("p", "styled")], head=[style]))
    sheet = style["id"]
    page.add(80, 3, {"source": 8, "id": sheet, "adds": [{"rule": "p{background:lime}", "index": 2}]})
    page.add(160, 3, {"source": 8, "id": sheet, "adds": [{"rule": "p{border:6px solid red}", "index": [1, 0]}]})
    declared = {"property": "background", "value": "orange", "priority": "important"}
    page.add(240, 3, {"source": 13, "id": sheet, "index": [0], "set": declared})
    page.add(320, 3, {"source": 13, "id": sheet, "index": [0], "remove": {"property": "padding"}})
    page.add(320, 3, {"source": 8, "id": sheet, "removes": [{"index": [1, 0]}]})


@feature(0, 160, 320)
def a_document_that_is_replaced(page: Page) -> None:
    document = page.document(
        [page.element("p", "the first"), page.element("input", value="x")], "body{background:#fdd}"
    )
    html = document["childNodes"][1]
    page.show(document)
    page.remove(120, document, html)
    second = page.document([page.element("h1", "the second")], "body{background:#dfd}")["childNodes"][1]
    page.append(120, document, second)
    third = Page(page.width, page.height)
    third.show(third.document([third.element("h2", "the third")], "body{background:#ddf}"), 280)
    page.events += third.events


@feature(0, 120, 240, 360)
def a_window_that_changes_its_size(page: Page) -> None:
    page.width, page.height = 320, 200
    css = "body{background:lightyellow} p{margin:0;padding:8px} @media(max-width:250px){p{background:tomato}}"
    page.show(page.document([page.element("p", "The quick brown fox jumps over the lazy dog. " * 4)], css))
    page.add(80, 3, {"source": 4, "width": 200, "height": 200})
    page.add(200, 3, {"source": 4, "width": 500, "height": 180})
    page.add(320, 3, {"source": 4, "width": 320, "height": 200})


@feature(0, 160)
def a_page_in_quirks_mode(page: Page) -> None:
    table = page.element("table", page.element("tr", page.element("td", "inherits no size")))
    box = page.element("div", style="width:100;height:50;background:coral")
    document = page.document([page.element("font", "big", table, box, size="6")])
    document["childNodes"] = document["childNodes"][1:]
    document["compatMode"] = "BackCompat"
    page.show(document)


@feature(0, 160)
def custom_elements(page: Page) -> None:
    known: Node = {**page.element("x-known", "defined"), "isCustom": True}
    page.show(
        page.document(
            [known, page.element("x-unknown", " undefined")], ":defined{color:green} :not(:defined){color:red}"
        )
    )
    late: Node = {**page.element("x-late", " late"), "isCustom": True}
    body = page.events[1]["data"]["node"]["childNodes"][1]["childNodes"][1]
    page.append(120, body, late)
    page.add(130, 3, {"source": 16, "define": {"name": "x-late"}})


@feature(0, 200, 320)
def every_kind_of_event(page: Page) -> None:
    """Kinds that show nothing change nothing; what an unknown one says is passed over."""
    box = page.element("div", style=BOX + "left:20px;top:20px;background:green")
    page.show(page.document([box]))
    page.add(40, 0, {}).add(41, 1, {}).add(80, 5, {"tag": "note", "payload": {"any": 1}})
    page.add(90, 6, {"plugin": "rrweb/console@1", "payload": {"level": "log", "payload": ["x"]}})
    page.add(100, 3, {"source": 11, "level": "log", "payload": []}).add(110, 8, {"any": 1}).add(120, 7, {"url": "x"})
    page.add(130, 3, {"source": 12, "positions": [{"x": 30, "y": 30, "id": box["id"], "timeOffset": -20}]})
    page.add(140, 3, {"source": 16, "define": {"name": "x-y"}}).add(150, 3, {"source": 99, "what": "ever"})
    page.change(280, box, style={"background": "blue", "left": ["100px", "important"], "top": False})


@feature(0, 200)
def a_frame_with_a_source_of_its_own(page: Page) -> None:
    """What a frame holds comes from the recording alone, and no object is loaded."""
    frame = page.element("iframe", style="width:150px;height:100px", srcdoc="<p style='background:red'>not recorded")
    picture = page.element("object", "instead of an object", data=svg_picture("<rect width='40' height='40'/>"))
    page.show(page.document([frame, picture]))
    page.attach(120, frame, page.document([page.element("p", "recorded")], "body{background:palegreen}"))
