"""How many Gaussians a scene needs: what each contributes, which may be merged, where more are wanted."""

from vistadream.ops.budget.contribution import contributions
from vistadream.ops.budget.densify import densify
from vistadream.ops.budget.knobs import Budget
from vistadream.ops.budget.merge import merge_alike

__all__ = ["Budget", "contributions", "densify", "merge_alike"]
