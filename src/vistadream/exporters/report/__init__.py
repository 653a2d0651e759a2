"""The page that shows a run, and the charts that it is made of."""
