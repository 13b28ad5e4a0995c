import os

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
application = get_wsgi_application()
if settings.TESTENV_MIGRATE:
    call_command("migrate", verbosity=0)  # here, since another start of Python costs more than the migration
