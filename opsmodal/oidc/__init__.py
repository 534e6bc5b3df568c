"""OpenID Connect, the relying party's side: ask a provider who somebody is, and believe only what is proven.

Authorization code with PKCE (RFC 7636), OpenID Connect Core 1.0, Discovery 1.0, RFC 9207. Knows neither the web nor the
people of this installation, and keeps nothing but what a provider says of itself. What it refuses carries a rule.
"""

from opsmodal.oidc.client import Client, Clients, Vouched
from opsmodal.oidc.errors import NotVouched, ProviderAway
from opsmodal.oidc.pending import Pending

__all__ = ["Client", "Clients", "NotVouched", "Pending", "ProviderAway", "Vouched"]
