"""What the service fetches and sends: pictures by URL, and webhooks. All of it goes through `safe_http.py`."""
