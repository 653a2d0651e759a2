"""From the words on the command line to built stages. The only room that knows Hydra and OmegaConf."""

from vistadream.config.backends import check, choose
from vistadream.config.build import configured
from vistadream.config.composed import Composed, changed_words, compose, of_the_replaced
from vistadream.config.earlier_words import today
from vistadream.config.files import conf_folder, groups, plans
from vistadream.config.knob_schema import knob_schema
from vistadream.config.outside import outside_words
from vistadream.config.plain_values import words_of
from vistadream.config.reference import reference
from vistadream.config.resolution import with_resolution
from vistadream.config.trust import refuse_saved_interpolations, saved_words
from vistadream.config.words import (
    CAMERA_PATH,
    INPUT_KNOBS,
    SEVERAL,
    expand,
    name_of,
    quote_paths,
    unquoted,
    with_path,
)

__all__ = [
    "CAMERA_PATH",
    "INPUT_KNOBS",
    "SEVERAL",
    "Composed",
    "changed_words",
    "check",
    "choose",
    "compose",
    "conf_folder",
    "configured",
    "expand",
    "groups",
    "knob_schema",
    "name_of",
    "of_the_replaced",
    "outside_words",
    "plans",
    "quote_paths",
    "reference",
    "refuse_saved_interpolations",
    "saved_words",
    "today",
    "unquoted",
    "with_path",
    "with_resolution",
    "words_of",
]
