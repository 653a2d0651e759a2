"""The service on a Ray cluster: replicas that answer requests, and workers. `ray_serve.py` starts them; no Ray here."""
