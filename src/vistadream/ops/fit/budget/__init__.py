"""How many Gaussians a scene needs: what each contributes, which may be merged, where more are wanted."""

from vistadream.ops.fit.budget.contribution import contributions
from vistadream.ops.fit.budget.densify import densify
from vistadream.ops.fit.budget.knobs import Budget
from vistadream.ops.fit.budget.merge import merge_alike

__all__ = ["Budget", "contributions", "densify", "merge_alike"]
