"""Composing: captured pictures and what is drawn on them become the frames of a video."""
