"""The page that the demo leaves: its videos, a storyboard of each, and how many pods there were over time."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

from dev.demo_story import Look, Story, Video
from dev.steps import run

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 220, 40, 30  # pixels of the graph
PICTURES = 6  # of a storyboard
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1f2933; }
figure { margin: 2rem 0; } video, img { max-width: 100%; border: 1px solid #cbd2d9; } figcaption { margin: .3rem 0; }
svg text { font-size: 12px; fill: #52606d; } .note { color: #52606d; }
"""
_LINES = (("wanted", "#9aa5b1", "5 4"), ("ready", "#2563eb", ""), ("busy", "#16a34a", ""))


def write_page(folder: Path, story: Story, boards: dict[Video, Path], temporal_ui: str | None) -> Path:
    """Write `index.html` beside the videos and their storyboards; return the page."""
    page = folder / "index.html"
    page.write_text(build_page(folder, story, boards, temporal_ui), encoding="utf-8")
    return page


def make_storyboard(video: Video) -> Path:
    """Make one picture of pictures at even distances, from the first to nearly the last."""
    board = video.path.with_suffix(".storyboard.png")
    every = f"fps={PICTURES}/{video.seconds:.3f}:round=up,scale=320:-2,tile={PICTURES // 2}x2:padding=4:color=white"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(video.path), "-vf", every, "-frames:v", "1", str(board)]
    run(command)
    return board


def build_page(folder: Path, story: Story, boards: dict[Video, Path], temporal_ui: str | None) -> str:
    """Return the page. Everything it shows lies in its folder."""
    parts = [_figure(folder, video, board) for video, board in boards.items()]
    ui = f'<p><a href="{html.escape(temporal_ui)}">The exports in the Temporal UI</a></p>' if temporal_ui else ""
    shrank = ", ".join(story.shrank_while_busy) or "never"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Video exports</title><style>{_STYLE}</style>"
        f"<h1>Video exports</h1><p>{len(boards)} exports, at most {story.most_pods} pods at once. "
        f"The Deployment became smaller while exports still ran: {html.escape(shrank)}.</p>{ui}"
        f"<h2>Pods over time</h2>{draw_graph(story)}<h2>Videos</h2>{''.join(parts)}</html>\n"
    )


def _figure(folder: Path, video: Video, board: Path) -> str:
    name, picture = (html.escape(str(path.relative_to(folder))) for path in (video.path, board))
    shown = f'<img src="{name}" alt="">' if video.path.suffix == ".gif" else f'<video src="{name}" controls></video>'
    return (
        f"<figure>{shown}<figcaption>{html.escape(video.title)} "
        f'<span class=note>{html.escape(video.described)}, <a href="{name}">{name}</a></span></figcaption>'
        f'<img src="{picture}" alt="Storyboard of {html.escape(video.title)}"></figure>'
    )


def draw_graph(story: Story) -> str:
    """Return pods wanted, ready and busy over time as an SVG, with a mark where each export was done."""
    end = max((look.at for look in story.looks), default=0.0) or 1.0
    most = max((max(look.wanted, look.ready) for look in story.looks), default=0) or 1

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - 90) * at / end

    def y(pods: float) -> float:
        return (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - 20) * pods / most

    drawn = [
        f'<line x1="{LEFT}" x2="{x(end):.1f}" y1="{y(n):.1f}" y2="{y(n):.1f}" stroke="#e4e7eb"/>'
        f'<text x="{LEFT - 16}" y="{y(n) + 4:.1f}">{n}</text>'
        for n in range(most + 1)
    ]
    for number, (name, colour, dashes) in enumerate(_LINES):
        path = _steps(story.looks, name, x, y, end)
        drawn.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        drawn.append(f'<text x="{x(end) + 10:.1f}" y="{40 + 18 * number}" style="fill:{colour}">{name}</text>')
    for title, at in story.done:
        drawn.append(
            f'<circle cx="{x(at):.1f}" cy="{y(0):.1f}" r="4"><title>{html.escape(title)}: done</title></circle>'
        )
    drawn.append(
        f'<text x="{LEFT}" y="{HEIGHT - 8}">0 s</text><text x="{x(end) - 30:.1f}" y="{HEIGHT - 8}">{end:.0f} s</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Pods over time">{"".join(drawn)}</svg>'


def _steps(
    looks: Sequence[Look], name: str, x: Callable[[float], float], y: Callable[[float], float], end: float
) -> str:
    """Return a line of steps: each look holds until the next one."""
    points = []
    for look, following in zip(looks, [*looks[1:], None], strict=False):
        height = y(getattr(look, name))
        points += [f"{x(look.at):.1f},{height:.1f}", f"{x(following.at if following else end):.1f},{height:.1f}"]
    return f"M{' L'.join(points)}" if points else "M0,0"
