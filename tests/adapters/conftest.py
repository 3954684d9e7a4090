"""The contracts are no test modules, and shall explain their failures all the same."""

import sys

import pytest

for name in ("stores", "support"):
    if name not in sys.modules:  # what is imported already cannot be rewritten
        pytest.register_assert_rewrite(name)
