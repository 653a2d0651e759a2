"""COLMAP's work in a process of its own: `process` starts it here, `child` is what runs there."""
