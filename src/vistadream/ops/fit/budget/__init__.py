"""The number of Gaussians of a scene: what each contributes, which can be merged, and where more are needed."""

from vistadream.ops.fit.budget.contribution import contributions
from vistadream.ops.fit.budget.densify import densify
from vistadream.ops.fit.budget.knobs import Budget
from vistadream.ops.fit.budget.merge import merge_alike

__all__ = ["Budget", "contributions", "densify", "merge_alike"]
