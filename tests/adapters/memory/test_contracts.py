"""The memory does what every store must do."""

from stores.every_contract import *  # noqa: F403  # the contracts, each a test class
