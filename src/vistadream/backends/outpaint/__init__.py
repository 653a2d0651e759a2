"""Outpainters."""
