"""FLUX.1-Fill: its parts, read from a diffusers folder or from two single files with other tensor names.

The JSON files in this folder are the published configurations, so that single files are read without the hub.
"""
