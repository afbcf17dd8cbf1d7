"""All settings, in one file. Every value that an operator may set comes from the environment."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from connectors_site import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR") or BASE_DIR / "data").resolve()
RUN_DIR = DATA_DIR / "run"
DATA_DIR.mkdir(parents=True, exist_ok=True)

# --- Mode, keys, addresses ---------------------------------------------------------------------
DEVELOPMENT = env.flag("DEBUG", default=False)
# Django's own debug mode stays off all the same. It keeps the text of the last 9,000 statements of each connection, cards
# and bodies included, and answers errors with tracebacks; the log has those.
DEBUG = False
TESTING = "pytest" in sys.modules

SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not (DEVELOPMENT or TESTING):
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Give a long random value (or SECRET_KEY_FILE); DEBUG=1 makes one."
        )
    SECRET_KEY = env.made_once(DATA_DIR / "secret_key")

# Keys for secrets at rest, newest first. In development they follow from SECRET_KEY.
FIELD_KEYS = env.words("FIELD_KEYS")
FIELD_KEYS_DERIVED = not FIELD_KEYS
if FIELD_KEYS_DERIVED:
    FIELD_KEYS = [f"field-keys:{SECRET_KEY}"]

PORT = env.whole("PORT", 8000, least=1, most=65535)
HOST = env.text("HOST", "127.0.0.1")
PUBLIC_URL = env.base("PUBLIC_URL", f"http://127.0.0.1:{PORT}").geturl().rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [_public.hostname or "127.0.0.1"]
if DEVELOPMENT:
    ALLOWED_HOSTS = [*dict.fromkeys([*ALLOWED_HOSTS, "localhost", "127.0.0.1", "[::1]"])]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
# The pretend Teams comes with `up --demo`, unless SANDBOX says otherwise.
SANDBOX_ENABLED = env.flag("SANDBOX", default="--demo" in sys.argv)

# --- Applications ------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "connectors_site.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before staticfiles, so that runserver serves files as production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "apps.core",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.sources",
    "apps.channels",
    "apps.connectors",
    "apps.deliveries",
    "apps.actions",
    "apps.inbound",
    "apps.commands",
    "apps.api",
    "apps.sandbox",
    # After apps.inbound, whose `qcluster` command takes the place of the stock one.
    "django_q",
    # Last, because it registers the pages of others anew.
    "connectors_site.apps.SiteConfig",
    "django.forms",
]

MIDDLEWARE = [
    "apps.core.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.core.middleware.Acting",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "connectors_site.urls"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # our own widgets have templates too
WSGI_APPLICATION = "connectors_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database ----------------------------------------------------------------------------------
DATABASE_URL = env.url(
    "DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}", ("sqlite", "postgres", "postgresql")
)
DATABASES = {"default": env.database(DATABASE_URL)}
DATABASE_IS_SQLITE = DATABASE_URL.scheme == "sqlite"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Background cluster ------------------------------------------------------------------------
# A task is only a nudge ("look now"); the rows are the truth. So nothing needs results or retries.
BROKER_URL = env.text("BROKER_URL")
Q_WORKERS = env.whole("Q_WORKERS", 2, least=1, most=64)
SEND_CONCURRENCY = env.whole("SEND_CONCURRENCY", 64, least=1, most=1024)
Q_CLUSTER: dict[str, object] = {
    "name": "connectors",
    "label": "Background tasks",
    # One of them is always at the standing task.
    "workers": max(2, Q_WORKERS),
    "timeout": 90,
    "retry": 150,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "save_limit": -1,
    "bulk": 10,
    "poll": 0.2,
    "guard_cycle": 0.5,
    "log_level": "WARNING",
}
if BROKER_URL:
    env.url("BROKER_URL", BROKER_URL, ("redis", "rediss"))
    Q_CLUSTER["broker_class"] = "apps.core.broker.RedisBroker"
    Q_CLUSTER["redis"] = BROKER_URL
else:
    Q_CLUSTER["broker_class"] = "apps.core.broker.DatabaseBroker"
    Q_CLUSTER["orm"] = "default"

# What one worker of each cluster is always at, and the wake-up that it waits for.
STANDING_TASK = "apps.inbound.tasks.stand"
STANDING_TOPIC = "drain"
# Seconds after which a process that shows no sign of life is replaced.
FROZEN_AFTER = env.whole("FROZEN_AFTER", 40, least=4, most=600)

# --- Sending and keeping -----------------------------------------------------------------------
DESTINATION_ALLOW = env.words("DESTINATION_ALLOW")
if SANDBOX_ENABLED and _public.hostname:
    # The pretend Teams is served by this very site.
    DESTINATION_ALLOW = [*DESTINATION_ALLOW, _public.hostname]
OUTBOUND_PROXY = env.text("OUTBOUND_PROXY")
RETENTION_DAYS = env.whole("RETENTION_DAYS", 30, least=1, most=3650)
WEB_WORKERS = env.whole("WEB_WORKERS", 1 if DATABASE_IS_SQLITE else 2, least=1, most=64)

# --- Sign-in and sessions ----------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"

# --- Admin theme; its navigation is made in connectors_site/admin.py -----------------------------
UNFOLD: dict[str, object] = {
    "SITE_TITLE": "Teams Connectors",
    "SITE_HEADER": "Teams Connectors",
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "href": "/static/sandbox/icon.svg", "type": "image/svg+xml"}],
    "STYLES": [
        "/static/connectors/theme.css",
        "/static/connectors/admin.css",
        "/static/cards/teams-card.css",
    ],
    "SHOW_BACK_BUTTON": True,
}

# --- Security ----------------------------------------------------------------------------------
_https = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https and not DEVELOPMENT
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Only behind a proxy that sets (and never passes on) X-Forwarded-Proto.
BEHIND_PROXY = env.flag("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Bounds forms of the admin and the API. The inbound views read their stream themselves, with their own cap.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# --- Language, time, files ---------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = ["connectors_site.formats"]
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.is_dir()]
# Development serves the files where they stand, so that nothing has to be collected for tests.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEVELOPMENT or TESTING
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_MANIFEST_STRICT = False
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- REST API ----------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.api.wire.StrictJSON"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.api.auth.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.api.auth.RolePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.api.throttling.TokenThrottle"],
    "EXCEPTION_HANDLER": "apps.api.problems.handler",
    "UNAUTHENTICATED_USER": None,
    # Escapes, so that half a surrogate pair out of somebody's payload cannot break an answer.
    "UNICODE_JSON": False,
}
SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "Teams Connectors API",
    "VERSION": "1",
    "DESCRIPTION": "What the admin can do, for programs. Make a token with `manage.py create_token`.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.api.openapi.refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ConnectorState": ["ok", "waiting", "paused", "broken"],
        "ChannelState": ["ok", "degraded", "failing", "paused"],
        "WebhookURLState": ["ok", "failing", "needs_person", "off"],
    },
    # Served from here, so that the documentation page asks nobody else for anything.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
}

# --- Logging -----------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "apps.core.logs.Redact"}},
    "formatters": {
        "line": {
            "()": "apps.core.logs.Line",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django-q": {"handlers": [], "level": "WARNING", "propagate": True},
        # urllib3 logs full addresses at DEBUG; webhook URLs are secrets.
        "urllib3": {"level": "WARNING"},
    },
}
