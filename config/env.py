"""The environment, read once and checked; a wrong value is a sentence, not a stack trace later."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


class Env(BaseSettings):
    """All settings that come from outside. Names are the variables' own, without prefix."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore")

    demo: bool = Field(False, validation_alias="DEMO")
    debug: bool = Field(False, validation_alias="DEBUG")
    secret_key: str = Field("", validation_alias="SECRET_KEY")
    secret_keys: str = Field("", validation_alias="SECRET_KEYS")
    database_url: str = Field("", validation_alias="DATABASE_URL")
    broker_url: str = Field("", validation_alias="BROKER_URL")
    base_domain: str = Field("localhost", validation_alias="BASE_DOMAIN")
    hosts: str = Field("", validation_alias="HOSTS")
    clock: str = Field("", validation_alias="SAMPAN_CLOCK")
    sandbox_url: str = Field("http://127.0.0.1:8700", validation_alias="SANDBOX_URL")
    role: Literal["web", "worker", "manage"] = Field("manage", validation_alias="SAMPAN_ROLE")
    secure: bool = Field(False, validation_alias="SECURE")
    email_url: str = Field("", validation_alias="EMAIL_URL")
    # proxies before the web server that add to X-Forwarded-For; 0: there is none, and the header is not believed
    trusted_proxies: int = Field(0, ge=0, le=10, validation_alias="ALLAUTH_TRUSTED_PROXY_COUNT")
    # eBay's marketplace account deletion: what stands in the developer portal, and the application's keys
    ebay_verification_token: str = Field(
        "", pattern=r"^([A-Za-z0-9_-]{32,80})?$", validation_alias="EBAY_VERIFICATION_TOKEN"
    )
    ebay_deletion_endpoint: str = Field("", validation_alias="EBAY_DELETION_ENDPOINT")
    ebay_app_id: str = Field("", validation_alias="EBAY_APP_ID")
    ebay_cert_id: str = Field("", validation_alias="EBAY_CERT_ID")
    ebay_api_url: str = Field("", validation_alias="EBAY_API_URL")


def email_from_url(url: str) -> dict[str, object]:
    """Django's EMAIL_* settings of ``smtp://user:pw@host:port`` (``smtp+tls``: STARTTLS, ``smtps``: TLS at once)."""
    parts = urlsplit(url)
    if parts.scheme not in MAIL_PORTS or not parts.hostname:
        raise ValueError(f"EMAIL_URL must begin with {', '.join(MAIL_PORTS)}:// and name a host")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 10,
    }


@lru_cache(maxsize=1)
def env() -> Env:
    return Env()  # type: ignore[call-arg]


def database_from_url(url: str) -> dict[str, object]:
    """Django's DATABASES entry of ``postgresql://user:pw@host:port/name?host=/socket/dir``."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL must begin with postgresql://, not {parts.scheme}://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", "") or unquote(parts.hostname or "")
    options = {key: value for key, value in query.items() if key in ("sslmode", "sslrootcert", "application_name")}
    return {
        "ENGINE": "core.database",
        "NAME": unquote(parts.path.lstrip("/")) or "sampan",
        "USER": unquote(parts.username or "postgres"),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or query.get("port", "") or ""),
        "OPTIONS": options,
    }
