"""What is said of the backends that a request may choose agrees with what happens to a job that names them."""

import pytest

from vistadream.backends.machine import Machine
from vistadream.backends.packages import INSTALL
from vistadream.backends.weights.table import MODELS
from vistadream.config.backends import check, choose, needs, offered
from vistadream.config.files import groups
from vistadream.core import UserError

ROLES = {group.partition("/")[2]: list(names) for group, names in groups().items() if group.startswith("backends/")}
BARE, FULL = Machine(), Machine(True, frozenset(INSTALL), True, frozenset(MODELS))
MACHINES = [BARE, FULL, Machine(packages=frozenset(INSTALL)), Machine(True, frozenset(INSTALL), weights=frozenset())]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_backend_that_lacks_nothing_can_run_and_a_refused_one_lacks_what_is_said(machine):
    for each in offered(ROLES, machine):
        lacks = [what for what in each.lacks if not what.startswith("its weights")]
        if not lacks:
            check(each.role, each.name, machine)
            continue
        with pytest.raises(UserError) as refused:
            check(each.role, each.name, machine)
        assert all(what in str(refused.value) for what in lacks)


def test_a_machine_with_everything_lacks_nothing_and_a_bare_one_runs_the_embedded_backends():
    assert not [each for each in offered(ROLES, FULL) if each.lacks]
    runs = {(each.role, each.name) for each in offered(ROLES, BARE) if not each.lacks}
    assert {("depth", "embedded"), ("outpaint", "embedded"), ("render", "cpu"), ("splats", "lift")} <= runs
    assert ("render", "gsplat") not in runs


@pytest.mark.parametrize("machine", MACHINES)
def test_what_auto_takes_is_marked_with_its_reason(machine):
    found = list(offered(ROLES, machine))
    for role in ("depth", "outpaint", "render", "caption"):
        (taken,) = [each for each in found if each.role == role and each.auto]
        choice = choose(role, machine)
        assert (taken.name, taken.auto) == (choice.name, choice.reason)


def test_the_models_of_a_backend_decide_whether_it_may_be_used_commercially():
    for each in offered(ROLES, FULL):
        models = [MODELS[name] for name in needs(each.role, each.name).models_on("cuda")]
        assert each.models == [{"name": model.name, "license": model.license.name} for model in models]
        assert each.commercial == all(model.license.commercial for model in models)
    limited = {(each.role, each.name) for each in offered(ROLES, FULL) if not each.commercial}
    assert {("outpaint", "flux_fill"), ("splats", "sharp")} <= limited
