"""What every table shares: one metadata with fixed constraint names, and times that are aware and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints need names that a later migration can say, on every database."""

NAME_CHARS = 255
"""Room for a name: people may be known by an address (RFC 5321 allows 254)."""
HASH_CHARS = 64
"""SHA-256 in hexadecimal."""

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only in a column that is exactly INTEGER."""


class UtcTime(TypeDecorator[datetime]):
    """A moment. Refuses naive values on the way in; gives aware ones in UTC, also from SQLite, which drops the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  (SQLAlchemy's shape)
        """Turn an aware moment into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  (SQLAlchemy's shape)
        """Give an aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own protocol)
        datetime: UtcTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(none_as_null=True),
    }
