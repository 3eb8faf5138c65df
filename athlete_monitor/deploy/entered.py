"""Importing this continues a script in the project's environment, so that ``python3 main.py`` just works.

Scripts import it before anything that needs a package.
"""

import sys

from athlete_monitor.deploy.bootstrap import enter_from_door

enter_from_door(sys.argv)
