"""Where the server's own user reaches engines already: Docker contexts and Podman connections, as suggestions.

Only that user's home is read, only when an administrator asks, and only files of a known place and size. What is broken
or hostile is told beside the others. A secret is read when a suggestion is taken over, and never shown.
"""

from opsmodal.contexts.found import suggestions, texts_of
from opsmodal.contexts.suggestion import Suggestion

__all__ = ["Suggestion", "suggestions", "texts_of"]
