"""A layout prior from the picture: lines, vanishing points, and the box of the room."""
