"""Rendering: a recording and a timeline go in, the frames that differ come out."""
