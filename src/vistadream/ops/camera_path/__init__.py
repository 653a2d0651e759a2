"""What every camera path needs: poses, splines, and clearance from surfaces."""
