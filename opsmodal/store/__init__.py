"""Everything that opsmodal remembers: SQLAlchemy tables, their migrations, and the sealing of credentials.

SQLite in the data folder by default, PostgreSQL by its address. Knows nothing of the web and of runtimes.
"""

from opsmodal.store.errors import Busy, StoreProblem, TooNew, Unusable, WrongKey
from opsmodal.store.keys import open_vault
from opsmodal.store.store import Store, open_store
from opsmodal.store.vault import Vault

__all__ = ["Busy", "Store", "StoreProblem", "TooNew", "Unusable", "Vault", "WrongKey", "open_store", "open_vault"]
