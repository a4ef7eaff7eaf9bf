"""Capture: pictures of what the browser has painted."""
