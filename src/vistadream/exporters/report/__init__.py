"""The page that shows a run, and the charts that it is made of."""

from vistadream.exporters.report.report import Report

__all__ = ["Report"]
