"""What goes wrong and can be mended by the person at the command line."""


class UserError(Exception):
    """Something the user can mend: one sentence naming what was wrong, what was wanted and what to do."""

    exit_code = 2
    """What the command returns for it."""
