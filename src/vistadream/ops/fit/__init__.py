"""The fit of Gaussians to Views: optimizer, losses, rollback, and the number of Gaussians."""
