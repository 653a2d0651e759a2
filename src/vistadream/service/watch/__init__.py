"""What the service says of itself: its log, metrics, figures, and how long jobs take."""
