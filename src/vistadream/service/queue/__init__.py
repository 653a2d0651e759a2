"""The queue: its tables, what workers and requests do to them, and the worker of a data folder."""
