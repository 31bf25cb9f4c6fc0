"""The pattern that finds credentials in a URL, so that no message or record shows them."""

from __future__ import annotations

import re

# Up to the last @: who writes a password into a URL does not always escape its / and @.
CREDENTIALS = re.compile(r"://(?!/)[^\s?#]*@")
