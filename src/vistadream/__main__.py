"""`python -m vistadream` is the command `vistadream`."""

import sys

from vistadream.commands.main import main

sys.exit(main())
