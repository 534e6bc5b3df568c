"""Tables of real states, events and messages against their causes."""

import pytest

pytest.register_assert_rewrite("tests.unit.runtimes.causes.making")
