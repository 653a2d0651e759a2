"""A layout prior that reads the picture: lines, vanishing points, sky, the room's box, upright things."""
