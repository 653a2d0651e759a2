"""Pose estimators: where the photos of one scene were taken."""
