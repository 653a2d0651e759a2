"""A differentiable Gaussian rasterizer for CPUs."""

from vistadream.backends.render.cpu.renderer import CpuRenderer

__all__ = ["CpuRenderer"]
