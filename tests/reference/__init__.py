"""What each frame has to look like, found out the slow way: every frame painted, every frame captured.

Nothing here is shared with the renderer but rrweb itself, the recording's parser, the timeline and the drawing of the
pointer: no replay page, no planner, no transport, no capture. `python -m tests.reference` compares the two.
"""
