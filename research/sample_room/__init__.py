"""A furnished room and the path tracer that photographs it: the project's own sample picture with its true depth."""
