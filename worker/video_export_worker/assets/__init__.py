"""Linked assets: found in a recording, fetched through a filtered client, kept by their hash for all exports."""
