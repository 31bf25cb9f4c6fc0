from __future__ import annotations

from hypothesis import settings

# Same examples in every run, and no deadline: the first call of a kernel takes a hundred times the second.
settings.register_profile("core", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("core")
