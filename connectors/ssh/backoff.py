"""How long to wait before a line is dialled again: pure, so that it can be read as a table.

A link that comes back is to carry again within 5 s, so an unreachable host is tried at least every 2 s while somebody
asks for it. A refused login is another matter: fail2ban shuts an address out after five within ten minutes, so there
are four in that time at most.
"""

from __future__ import annotations

from connectors.errors import ConnectionProblem, LoginRefused

FIRST_S, CAP_S = 0.25, 2.0
LOGIN_FIRST_S, LOGIN_CAP_S = 60.0, 600.0
JITTER = 0.2
"""So much is taken off by chance at most: workers that lost the same host do not all come back at once."""


def pause_s(problem: ConnectionProblem, failures: int, chance: float) -> float:
    """Give the pause after so many failures in a row (from 1 on); `chance` is a number from 0 to 1."""
    login = isinstance(problem, LoginRefused)
    first_s, cap_s = (LOGIN_FIRST_S, LOGIN_CAP_S) if login else (FIRST_S, CAP_S)
    whole_s = min(cap_s, first_s * 2.0 ** min(failures - 1, 16))
    # Never below the first pause of a login: chance must not make a fifth attempt out of four.
    return whole_s if login else whole_s * (1 - JITTER * chance)
