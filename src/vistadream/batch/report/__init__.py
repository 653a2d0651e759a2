"""What a batch has done and at what cost, as figures (report.json) and as a page (report.html)."""
