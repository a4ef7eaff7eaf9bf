"""What a worker may use of its machine or container, and how it is shared out."""
