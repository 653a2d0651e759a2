"""Rerun, behind the one door. Only files of this folder import rerun."""

from vistadream.observers.rerun.observer import RerunObserver
from vistadream.observers.rerun.settings import RerunSettings

__all__ = ["RerunObserver", "RerunSettings"]
