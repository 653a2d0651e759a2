"""Quality metrics of pictures, depth maps and scenes."""
