"""What `swift.monitor` is where rankscope provides it."""

from rankscope.monitor import *  # noqa: F401,F403
from rankscope.monitor import __all__  # noqa: F401
