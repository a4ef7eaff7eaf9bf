"""Replay: a browser with the replay page, moved through the recording frame by frame. `player` tells how."""
