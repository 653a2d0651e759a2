"""FLUX.1-Fill: its parts, from a diffusers folder or from two single files, and the names in the latter.

The JSON files beside this one are the published configurations, so that single files are read without the hub.
"""
