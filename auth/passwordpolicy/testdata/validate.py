"""Reads {"password", "username", "first_name", "last_name", "email"} as JSON lines and writes what Django's validators say of each."""
import json
import sys

import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
django.setup()

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import (
    CommonPasswordValidator, MinimumLengthValidator, NumericPasswordValidator, UserAttributeSimilarityValidator)
from django.core.exceptions import ValidationError

validators = [UserAttributeSimilarityValidator(), MinimumLengthValidator(), CommonPasswordValidator(), NumericPasswordValidator()]
names = {v: k for k, v in {"username": "username", "first_name": "first name", "last_name": "last name", "email": "email address"}.items()}

for line in sys.stdin:
    case = json.loads(line)
    password = case.pop("password")
    user = User(**case)
    faults = []
    for validator in validators:
        try:
            validator.validate(password, user)
        except ValidationError as e:
            fault = {"password_too_short": "length", "password_too_common": "common", "password_entirely_numeric": "numeric"}.get(e.error_list[0].code)
            faults.append(fault or "similar-" + names[e.error_list[0].params["verbose_name"]])
    print(json.dumps(faults))
