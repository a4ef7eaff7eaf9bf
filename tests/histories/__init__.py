"""Histories of exports as each release has written them; later releases replay them."""
