"""The main job over HTTP: a queue that loses nothing, and routes to it. Only this room knows SQLAlchemy and FastAPI."""
