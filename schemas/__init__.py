"""SHAPES: what the rooms say to each other. Pure; imports nothing of ours."""
