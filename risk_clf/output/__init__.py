"""What was read, written for people and for programs; every function here gives text and none writes it anywhere."""
