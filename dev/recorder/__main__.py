"""`python -m dev.recorder [NAME...] --out tests/recordings`: make the test recordings again."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click
from playwright.async_api import async_playwright

from dev.recorder.scenarios import SCENARIOS
from dev.recorder.session import RRWEB, record, write

MAX_BYTES = 300_000
CHROMIUM = "/usr/bin/chromium-headless-shell"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("tests/recordings"))
@click.option("--chromium", default=CHROMIUM, show_default=True, help="Chromium to record in.")
def main(names: tuple[str, ...], out: Path, chromium: str) -> None:
    """Record the scenarios NAME..., or all of them."""
    unknown = sorted(set(names) - set(SCENARIOS))
    if unknown:
        raise click.UsageError(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    if not RRWEB.is_file():
        raise click.ClickException("rrweb is not installed: run `sh worker/player/build.sh` first")
    if not Path(chromium).is_file():
        raise click.ClickException(f"no Chromium at {chromium}: install chromium-headless-shell, or give --chromium")
    out.mkdir(parents=True, exist_ok=True)
    asyncio.run(_record_all(names or tuple(SCENARIOS), out, chromium))


async def _record_all(names: tuple[str, ...], out: Path, chromium: str) -> None:
    recorder = RRWEB.read_text()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, chromium_sandbox=os.geteuid() != 0)
        for name in names:
            windows = await record(browser, name, SCENARIOS[name], recorder)
            size = write(windows, out / f"{name}.json.gz")
            stamps = [event["timestamp"] for events in windows.values() for event in events]
            seconds = (max(stamps) - min(stamps)) / 1000
            click.echo(f"{name:<12} {seconds:7.1f} s {len(stamps):6} events {size:8} bytes")
            if size > MAX_BYTES:
                raise click.ClickException(f"{name} is larger than {MAX_BYTES} bytes: record less of it")
        await browser.close()


if __name__ == "__main__":
    main()
