"""Planning: which moment each frame shows, how much work it is, and where the work is cut."""
