"""The gallery: the jobs of the service and the runs of folders, with names, tags and stars that people gave them."""
