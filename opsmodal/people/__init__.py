"""People, and what they carry: passwords, tokens, sessions and one-time tickets.

Knows nothing of the web: whoever holds a secret gets the person it stands for, or nothing. No secret is ever kept.
"""

from opsmodal.people.people import People
from opsmodal.people.sessions import SignedIn
from opsmodal.people.tokens import Token
from opsmodal.people.users import User

__all__ = ["People", "SignedIn", "Token", "User"]
