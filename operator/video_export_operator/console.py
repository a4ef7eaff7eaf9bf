"""The console script `video-export-operator`: where only the client was installed it says what is missing."""

import sys


def main() -> None:
    """Run the command, or say which part of the distribution it needs and end with 1."""
    try:
        from video_export_operator.__main__ import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("video_export_"):
            raise
        print(
            f"video-export-operator: this needs the operator's part ({error.name} is missing): "
            "install it with: pip install 'video-export[operator]'",
            file=sys.stderr,
        )
        sys.exit(1)
    run()
