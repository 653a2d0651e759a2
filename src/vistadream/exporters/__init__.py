"""Floor 2, for other programs' disks."""
