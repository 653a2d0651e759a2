"""Where the first views of a scene come from: a picture file, or words."""
