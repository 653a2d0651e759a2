"""A layout prior from the picture: lines, vanishing points, sky, the box of the room, upright foreground objects."""
