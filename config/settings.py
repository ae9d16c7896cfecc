"""Settings. Values from outside come through ``config.env``; what is fixed for all installations stands here."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config.env import database_from_url, email_from_url, env
from config.launch import embedded, places

E = env()
BASE_DIR = Path(__file__).resolve().parent.parent
DEMO = E.demo
DEBUG = E.debug
# With real sellers there are no simulators: nothing private may be called, whatever a shop's settings say.
SANDBOX_URL = "" if E.secure else E.sandbox_url
# What belongs to the installation and not to a seller, by marketplace.
INSTALLATION = {
    "ebay": {
        "verification_token": E.ebay_verification_token,
        "endpoint": E.ebay_deletion_endpoint,
        "app_id": E.ebay_app_id,
        "cert_id": E.ebay_cert_id,
        "base_url": E.ebay_api_url or (f"{SANDBOX_URL}/ebay" if DEMO else ""),
    }
}

DEMO_KEY = "demo-only-key-that-every-reader-of-the-source-knows"
SECRET_KEY = E.secret_key or (DEMO_KEY if DEMO or DEBUG or not E.secure else "")
# Master keys that wrap the tenants' data keys, comma separated; the newest (first) encrypts, all decrypt.
SECRET_KEYS = [key for key in E.secret_keys.split(",") if key] or [SECRET_KEY]
if E.secure and (not E.secret_key or DEMO_KEY in SECRET_KEYS or E.secret_key == DEMO_KEY):
    raise ImproperlyConfigured("SECURE=1 needs SECRET_KEY and SECRET_KEYS of your own; the demo's key is public.")
if E.secure and (DEMO or DEBUG):
    raise ImproperlyConfigured("SECURE=1 is for real sellers; DEMO and DEBUG are refused with it.")
if E.secure and not E.email_url:
    raise ImproperlyConfigured(
        "SECURE=1 needs EMAIL_URL: without it addresses are not proven and links stand in the log."
    )
if E.secure and E.clock:
    raise ImproperlyConfigured("SAMPAN_CLOCK scales time for rehearsals; it is refused with SECURE=1.")

BASE_DOMAIN = E.base_domain
ALLOWED_HOSTS = [h for h in E.hosts.split(",") if h] or [BASE_DOMAIN, f".{BASE_DOMAIN}", "127.0.0.1", "[::1]"]
if DEMO:
    ALLOWED_HOSTS = ["*"]
PUBLIC_HOSTS = {BASE_DOMAIN, f"www.{BASE_DOMAIN}"}

SHARED_APPS = [
    "tenants",  # before django_tenants, which has a create_tenant command of its own
    "django_tenants",
    "core.central",
    "config",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "django_tables2",
    "django_filters",
    "crispy_forms",
    "crispy_bootstrap5",
    "ninja",
    "core.ui",
]
TENANT_APPS = [
    "core.records",
    "inventory",
    "channels",
    "logistics",
    "orders",
    "fulfilment",
    "crm",
    "fba",
    "api",
]
TOP_APPS = ["sandbox"]  # commands only, no tables
INSTALLED_APPS = SHARED_APPS + TENANT_APPS + TOP_APPS
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
# A stale SQL template: production refuses to open tenants, development falls back to the (slower) migrations.
TEMPLATE_REQUIRED = E.secure
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.middleware.HostMiddleware",
    "api.middleware.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.ui.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.middleware.MembershipMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls_tenant"
PUBLIC_SCHEMA_URLCONF = "config.urls_public"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.ui.context.shell",
            ],
        },
    }
]

DATABASES = {"default": database_from_url(E.database_url or embedded.database_url())}
if E.role == "web":
    from core.pool import reset_connection

    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"]["pool"] = {  # type: ignore[index]
        "min_size": 1,
        "max_size": 6,
        "timeout": 10,
        "max_lifetime": 900,
        "reset": reset_connection,
    }
DATABASES["default"]["TEST"] = {"MIGRATE": False}
BROKER = E.broker_url or embedded.broker_url()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# Memory-hard, and a third of the time of PBKDF2 at its present count.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none" if DEMO or DEBUG or not E.email_url else "mandatory"
ACCOUNT_ADAPTER = "tenants.adapter.AccountAdapter"
ACCOUNT_SESSION_REMEMBER = True
# Attempts are counted by address: without this every visitor behind a proxy would be one, or could name another's.
ALLAUTH_TRUSTED_PROXY_COUNT = E.trusted_proxies
# Besides allauth's own. A sign-up makes a schema before any address is proven, so a day has an end too.
ACCOUNT_RATE_LIMITS = {"invite": "60/h/user", "signup": "20/m/ip,200/d/ip"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "Sampan"
MFA_ADAPTER = "tenants.adapter.MfaAdapter"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = E.secure
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if E.secure else None
SECURE_SSL_REDIRECT = E.secure
SECURE_HSTS_SECONDS = 31536000 if E.secure else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
# Numbers for people go through the filter `number`; whatever else is drawn may be a key, an address, a field's value.
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [("assets", BASE_DIR / "var" / "assets")]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MANIFEST_STRICT = False
DATA_DIR = places.data_dir()
MEDIA_ROOT = DATA_DIR / "files"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": BROKER.replace("redis+socket://", "unix://"),
        "KEY_FUNCTION": "core.cache.tenant_key",
    }
}

MENU_COUNTS_SECONDS = 15  # how old the menu's counts may be; 0: counted for every page

CELERY_BROKER_URL = BROKER
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
# Leases are renewed while work runs (ADR 6); a task that outlives this limit is killed, its lease runs out, another goes on.
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_SOFT_TIME_LIMIT = 210
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # A web request or an ingest never waits for a broker that is away: messages are hints (kombu's default is 6 s).
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.05,
    "interval_max": 0.1,
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_TENANT_CACHE_SECONDS = 60
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(places.data_dir() / "run" / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "core.central.tick", "schedule": 1.0, "options": {"expires": 5}},
}

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
if E.email_url:
    globals().update(email_from_url(E.email_url))
DEFAULT_FROM_EMAIL = f"Sampan <no-reply@{BASE_DOMAIN}>"

CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["err"], "level": "INFO"},
    # httpx and ebaysdk log whole addresses (with buyers' e-mail) and bodies at these levels.
    "loggers": {
        **{name: {"level": "WARNING"} for name in ("httpx", "httpcore", "pikepdf")},
        "ebaysdk": {"level": "ERROR"},
    },
}
