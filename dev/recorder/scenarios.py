"""What the user does in each recording."""

from __future__ import annotations

import math

from dev.recorder.session import Scenario
from dev.recorder.user import User


async def fill_form(user: User) -> None:
    """Fill in a long form with mistakes, menus, every kind of field, and book."""
    await user.move((420, 200))
    await user.click("#account")
    for entry in range(1, 4):
        await user.move(f".menu button:nth-child({entry})")
        await user.wait(200)
    await user.click(".menu button:nth-child(3)")
    await user.click("#send")  # before anything is filled in: every message shows
    await user.wait(500)
    await user.click("#first")
    await user.type("Mariella")
    await user.press("Tab")
    await user.type("Kowalczyk-Brandt")
    await user.press("Tab")
    await user.type("mariella.kowalczyk(at)post")
    await user.press("Tab")
    await user.wait(600)
    await user.click("#email", at=(0.8, 0.5))
    await user.press("Backspace", 8)
    await user.type("@post.example")
    await user.choose("#country", "IT")
    await user.choose("#country", "CH")
    await user.click("#street")
    await user.type("Unter den Kastanien")
    await user.press("Tab")
    await user.type("8001 Zürich")
    await user.click("#street", at=(0.9, 0.5))
    await user.press("End")
    await user.type(" 17b")
    for choice in (2, 3, 2):
        await user.click(f".choice:nth-child({choice})")
        await user.wait(250)
    for box in ("#bike", "#meal", "#bike"):
        await user.click(box)
    await user.click("#note")
    await user.type("I travel with a cello, is there room beside the seat? Thank you, and greetings to the driver!")
    await user.press("Enter")
    await user.type("PS: I change in Basel; please announce the platform as early as you can.")
    await user.click("#send")
    await user.wait(900)
    await user.click("#terms")
    await user.wait(300)
    await user.click("#send")
    await user.wait(1500)
    await user.click("#account")
    await user.click(".menu button:nth-child(1)")
    await user.move((900, 320))
    await user.wait(500)


async def scroll_list(user: User) -> None:
    """Scroll down a list that grows, and back up, without a rest."""
    await user.move((640, 420))
    for pixels, milliseconds in ((1800, 3000), (5200, 5000), (-1600, 2200), (7000, 4500), (-9000, 4300)):
        await user.scroll(pixels, milliseconds)
    await user.move((500, 500))


async def watch_animations(user: User) -> None:
    """Look at a board where everything moves, and turn a card now and then."""
    for _ in range(4):
        await user.click("#flip")
        await user.wait(1600)
        await user.move(".lane", at=(0.3, 0.5))
        await user.move(".skeleton", at=(0.5, 0.5))
        await user.wait(700)


async def draw_on_canvas(user: User) -> None:
    """Write on a canvas beside a chart that another canvas draws all the time."""
    box = await user.page.locator("#pad").bounding_box()
    if box is None:
        raise LookupError("#pad is not visible")
    x, y = box["x"], box["y"]
    waves = [(x + 20 + 9 * step, y + 90 + 40 * math.sin(step / 2.5)) for step in range(32)]
    await user.drag(waves[::2])
    spiral = [(x + 160 + 3 * a * math.cos(a), y + 175 + 2.2 * a * math.sin(a)) for a in (0.7 * i for i in range(30))]
    await user.drag(spiral[::2])
    await user.wait(800)
    await user.click("#wipe")
    await user.drag([(x + 60, y + 60), (x + 240, y + 60), (x + 240, y + 200), (x + 60, y + 200), (x + 60, y + 60)])


async def read_mail(user: User) -> None:
    """Work inside an iframe, in one nested in it, and in a page that the frame loads later."""
    frame = user.page.frame_locator("#body")
    await user.click(frame.locator("#croissant"))
    await user.press("Backspace")
    await user.type("12")
    await user.click(frame.frame_locator("iframe").locator(".pin"))
    await user.wait(600)
    await user.click(frame.locator("#confirm"))
    await user.wait(500)
    await user.click(".mail:nth-child(2)")
    await frame.locator(".star").last.wait_for()
    await user.wait(400)
    await user.click(frame.locator(".star").nth(2))
    await user.click(frame.locator(".star").nth(3))
    await user.click(frame.locator("#wish"))
    await user.type("More maps, please.")
    await user.scroll(420, 1200)
    await user.scroll(-420, 900)


async def play_music(user: User) -> None:
    """Use web components, with nested shadow roots, until the theme changes their shared style sheets."""
    for track in (2, 5):
        await user.click(user.page.locator("track-row").nth(track).locator("button"))
        await user.wait(1200)
    for _ in range(3):
        await user.click("volume-knob #up")
    await user.click("theme-switch button")
    await user.wait(1500)
    await user.click("volume-knob #down")
    await user.click(user.page.locator("track-row").nth(0).locator("button"))
    await user.wait(1500)


async def resize_window(user: User) -> None:
    """Make the window narrower twice, and wide again."""
    for width, height in ((1280, 720), (1024, 720), (820, 700), (390, 760), (1100, 620)):
        await user.page.set_viewport_size({"width": width, "height": height})
        await user.page.evaluate("__nextFrame()")
        await user.wait(400)
        await user.move((width * 0.4, height * 0.6))
        await user.scroll(300, 700)
        await user.wait(900)
        await user.scroll(-300, 500)


async def leave_document(user: User) -> None:
    """Write a sentence, go away, come back in between, and finish after ten minutes."""
    await user.click("#text p:nth-child(3)", at=(0.03, 0.5))
    await user.press("End")
    await user.type("The fence: two offers, we take the ")
    for _ in range(4):
        await user.skip(minutes=1)
    await user.move((420, 380))
    await user.type("cheaper one")
    for _ in range(5):
        await user.skip(minutes=1)
    await user.wait(52_000)
    await user.move((760, 300))
    await user.type(".\n4. Next meeting in April.")
    await user.wait(3000)


async def write_messages(user: User) -> None:
    """Write in many scripts and with emoji."""
    await user.click("#line")
    for line in (
        "好的，明天见！🚄",
        "お弁当も買います 🍱",
        "좋아요 👍🏽",
        "إن شاء الله",
        "ठीक है 🙏",
        "แล้วเจอกัน",
        "Bis morgen 👩‍👩‍👧",
    ):
        await user.type(line)
        await user.press("Enter")
        await user.wait(300)
    await user.move("#talk")
    await user.scroll(-500, 900)
    await user.scroll(500, 900)
    await user.move(".sign:nth-child(10)")


async def look_at_goods(user: User) -> None:
    """Choose goods of a shop whose pictures, font and styles are on two other hosts."""
    await user.move("li:nth-child(2)")
    await user.click("li:nth-child(2)")
    await user.wait(300)
    await user.click("#more")
    await user.move("li:nth-child(4)")
    await user.wait(200)
    await user.click("#swap")
    await user.wait(300)
    await user.click("#more")
    await user.click("li:nth-child(5)")
    await user.wait(400)


async def buy_lamps(user: User) -> None:
    """Open a lamp and a small window with help beside the catalogue, which goes on meanwhile, and close both again."""
    await user.move((500, 300))
    await user.move("li:nth-child(2)")
    await user.open("li:nth-child(2) a", "lamp")
    await user.click("#teal")
    await user.wait(500)
    await user.click("#engraving")
    await user.type("Ada's")
    await user.click("#add")
    await user.wait(300)
    await user.open("#help", "help")
    await user.click("#question", at=(0.2, 0.5))
    await user.type("dim?")
    await user.click("#ask")
    await user.wait(400)
    await user.turn_to("lamp")
    await user.click("#large")
    await user.turn_to("catalogue")
    await user.move("li:nth-child(4)")
    await user.click("#basket")
    await user.turn_to("help")
    await user.click("#ask")
    await user.close("help", and_turn_to="lamp")
    await user.click("#add")
    await user.close("lamp", and_turn_to="catalogue")
    await user.move("li:nth-child(6)")
    await user.click("#basket")
    await user.wait(900)


SCENARIOS = {
    "form": Scenario("form.html", fill_form),
    "long-list": Scenario("long-list.html", scroll_list),
    "animations": Scenario("animations.html", watch_animations),
    "canvas": Scenario("canvas.html", draw_on_canvas, options={"recordCanvas": True}),
    "iframe": Scenario("iframe.html", read_mail),
    "shadow-dom": Scenario("shadow-dom.html", play_music),
    "resize": Scenario("resize.html", resize_window),
    "idle": Scenario("idle.html", leave_document),
    "text": Scenario("text.html", write_messages),
    "linked": Scenario("linked.html", look_at_goods),
    "windows": Scenario("windows.html", buy_lamps, options={"checkoutEveryNms": 5000}, window="catalogue"),
}
