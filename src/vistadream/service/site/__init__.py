"""The page of the service for browsers: its files, their policy, and what it has to know first."""
