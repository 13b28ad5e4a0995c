"""Real Django as the peer of a session store: settings in the first line, then one request and one answer a line."""
import base64
import importlib
import io
import json
import os
import sys
import time

import django
from django.conf import settings

configured = json.loads(sys.stdin.readline())
configured.setdefault("INSTALLED_APPS", ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"])
configured.setdefault("DEFAULT_AUTO_FIELD", "django.db.models.AutoField")
settings.configure(**configured)
os.environ["TZ"] = settings.TIME_ZONE  # as a settings module does it (django/conf/__init__.py Settings)
time.tzset()
django.setup()

from django.core.management import call_command  # noqa: E402

Store = importlib.import_module(settings.SESSION_ENGINE).SessionStore


def dump(data):
    """Every value as the JSON serializer writes it; what it cannot write (pickles) by its Python form."""
    text = json.dumps(data, separators=(",", ":"), default=repr)
    return base64.b64encode(text.encode("latin-1")).decode()


def parse(text):
    return json.loads(base64.b64decode(text).decode("latin-1"))


def state(session):
    data = session._session
    return {"key": session.session_key or "", "data": dump(data), "found": session.session_key is not None}


def load(key):
    session = Store(key)
    session._session
    return session


class Requests:
    def hello(self):
        return {"text": django.get_version()}

    def load(self, key):
        return state(load(key))

    def create(self, data):
        session = Store()
        session.update(parse(data))
        session.save()
        return state(session)

    def update(self, key, data):
        session = load(key)
        session.clear()
        session.update(parse(data))
        session.save()
        return state(session)

    def copy(self, key):
        session = Store()
        session.update(load(key)._session)
        session.save()
        return state(session)

    def delete(self, key):
        Store().delete(key)
        return {}

    def exists(self, key):
        return {"found": bool(Store().exists(key))}

    def cycle(self, key):
        session = load(key)
        session.cycle_key()
        session.save()
        return state(session)

    def set_expiry(self, key, seconds):
        session = load(key)
        session.set_expiry(seconds)
        session.save()
        return state(session)

    def expiry(self, key):
        session = load(key)
        return {"age": session.get_expiry_age(), "closes": session.get_expire_at_browser_close()}

    def clear_expired(self):
        Store.clear_expired()
        return {}

    def call(self, args):
        out = io.StringIO()
        call_command(*args, stdout=out)
        return {"text": out.getvalue()}


requests = Requests()
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = getattr(requests, request.pop("op"))(**request)
    except Exception as e:  # the test judges it
        answer = {"error": type(e).__name__ + ": " + str(e)}
    print(json.dumps(answer), flush=True)
