"""Attempts as processes: each activity attempt runs in a child without secrets, within limits, and ends as a whole."""
