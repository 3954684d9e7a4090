"""The contract is no test module of its own, and shall explain its failures all the same."""

import pytest

pytest.register_assert_rewrite("stores", "support")
