"""Which browser is used."""

from pathlib import Path

import pytest

from video_export_worker.errors import RenderFailed
from video_export_worker.replay.settings import ChromiumSettings


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    return path


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any browser; the folder is where Playwright would keep its own."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    return tmp_path / "browsers"


def test_without_any_the_error_says_how_to_get_one(nothing: Path) -> None:
    with pytest.raises(RenderFailed, match="install Debian's chromium-headless-shell or set VIDEO_EXPORT_CHROMIUM"):
        ChromiumSettings().find_executable()


@pytest.mark.parametrize("name", ["chrome-linux/headless_shell", "chrome-headless-shell-linux64/chrome-headless-shell"])
def test_playwrights_own_is_found(nothing: Path, name: str) -> None:
    program = make_program(nothing / "chromium_headless_shell-1200" / name)
    assert ChromiumSettings().find_executable() == str(program)


def test_what_is_on_the_path_comes_first(nothing: Path) -> None:
    make_program(nothing / "chromium_headless_shell-1200" / "chrome-linux" / "headless_shell")
    program = make_program(nothing.parent / "bin" / "chromium-headless-shell")
    assert ChromiumSettings().find_executable() == str(program)


def test_what_was_chosen_comes_before_all(nothing: Path) -> None:
    program = make_program(nothing.parent / "mine" / "shell")
    environment = {"VIDEO_EXPORT_CHROMIUM": str(program), "VIDEO_EXPORT_CHROMIUM_SANDBOX": "false"}
    settings = ChromiumSettings.from_environment(environment)
    assert settings.find_executable() == str(program)
    assert settings.sandbox is False


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ValueError, match="VIDEO_EXPORT_CHROMIUM_SANDBOX is 'maybe': use true, false or auto"):
        ChromiumSettings.from_environment({"VIDEO_EXPORT_CHROMIUM_SANDBOX": "maybe"})
