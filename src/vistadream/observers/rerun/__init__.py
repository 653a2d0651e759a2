"""The Rerun observer. Only files of this folder import Rerun, and only for a run that uses it."""

from vistadream.observers.rerun.settings import RerunSettings

__all__ = ["RerunSettings"]
