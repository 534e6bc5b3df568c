"""Why a sign-in with a provider comes to nothing. Both carry the `rule` that the audit log names.

    Refusal
    ├── NotVouched (NotSignedIn)    the provider says no, or what it says is not proven
    └── ProviderAway                the provider does not answer, or not as a provider does

A provider's own words are never repeated: whoever can make somebody follow a link could write them.
"""

from __future__ import annotations

from opsmodal.errors import NotSignedIn, Refusal

TRY_AGAIN = "Begin the sign-in again."
ASK = "Ask an administrator of this installation."


class NotVouched(NotSignedIn):
    """The provider says no, or what it says is not proven."""

    def __init__(self, sentence: str, *, rule: str, hint: str = TRY_AGAIN) -> None:
        super().__init__(sentence, hint=hint)
        self.rule = f"oidc-{rule}"


class ProviderAway(Refusal):
    """The provider does not answer, or not as a provider does."""

    rule = "oidc-provider-away"

    def __init__(self, sentence: str, *, hint: str = "Try again in a moment, or sign in another way.") -> None:
        super().__init__(sentence, hint=hint)
