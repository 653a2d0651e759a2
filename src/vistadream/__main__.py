"""`python -m vistadream` is the command `vistadream`."""

import sys

from vistadream.cli import main

sys.exit(main())
