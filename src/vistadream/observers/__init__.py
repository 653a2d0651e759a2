"""Observers show a run to people: the console, Rerun, and the record from which the report is made."""
