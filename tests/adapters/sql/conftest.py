"""The contracts are no test modules, and shall explain their failures all the same."""

import pytest

pytest.register_assert_rewrite("stores", "support")
