"""From a request to a checked job: the form, the picture, the knobs."""
