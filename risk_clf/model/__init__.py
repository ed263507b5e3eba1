"""What a head is, how it scores, and how a model folder is written and read."""
