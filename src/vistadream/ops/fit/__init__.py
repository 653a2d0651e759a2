"""The fit: optimizer, losses, rollback, and the number of Gaussians."""
