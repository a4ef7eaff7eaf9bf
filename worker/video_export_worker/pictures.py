"""What a picture is, for everything that captures, composes and encodes one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""height x width x 4 bytes: blue, green, red, alpha. Device pixels."""
Rows = NDArray[np.bool_]
"""One value for each row of a picture."""
