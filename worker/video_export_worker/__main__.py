"""The `video-export` command."""

from video_export_worker.cli import main

if __name__ == "__main__":
    main()
