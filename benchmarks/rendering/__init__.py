"""How fast a recording becomes a video, against capturing every frame in the same run."""
