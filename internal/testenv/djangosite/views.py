"""Views that a test drives by GET, or by POST where a password is in the form. None of them is safe outside a test."""
from django.conf import settings
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.contrib.auth.models import Group
from django.http import HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.csrf import csrf_exempt


def ready(request, token):
    """Tells this site from another that happens to listen at the port we expect."""
    return HttpResponse("ready") if token == settings.TESTENV_TOKEN else HttpResponseNotFound()


@csrf_exempt
def whoami(request):
    return JsonResponse(
        {
            "user": request.user.get_username(),
            "authenticated": request.user.is_authenticated,
            "session_key": request.session.session_key,
            "session": dict(request.session.items()),
            "headers": {k: v for k, v in request.META.items() if k.startswith("HTTP_")},
            "method": request.method,
            "path": request.get_full_path(),
            "scheme": request.scheme,
            "host": request.get_host(),
            "remote_addr": request.META.get("REMOTE_ADDR", ""),
            "body": request.body.decode("latin-1"),
        },
        json_dumps_params={"default": str},
    )


def anonymous(request):
    """Does not touch the session."""
    return HttpResponse("anonymous")


def set_value(request, key, value):
    request.session[key] = value
    return HttpResponse("ok")


def get_value(request, key):
    if key not in request.session:
        return HttpResponseNotFound()
    return HttpResponse(str(request.session[key]))


def delete_value(request, key):
    request.session.pop(key, None)
    return HttpResponse("ok")


def set_expiry(request, value):
    """Seconds, 0 for the end of the browser's session, or "none" for the default."""
    request.session.set_expiry(None if value == "none" else int(value))
    return HttpResponse("ok")


def flush(request):
    request.session.flush()
    return HttpResponse("ok")


def cycle(request):
    request.session.cycle_key()
    return HttpResponse("ok")


@csrf_exempt
def password_change(request):
    """Form: password; keep=1 keeps this session logged in, as Django's own view does."""
    if not request.user.is_authenticated:
        return HttpResponse("log in first", status=403)
    request.user.set_password(request.POST["password"])
    request.user.save()
    if request.POST.get("keep") == "1":
        update_session_auth_hash(request, request.user)
    return HttpResponse("ok")


@csrf_exempt
def create_user(request, name):
    """Form: password, email, any number of group."""
    user = get_user_model().objects.create_user(name, request.POST.get("email", ""), request.POST["password"])
    for group in request.POST.getlist("group"):
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return HttpResponse(str(user.pk))


def activate(request, name, active):
    changed = get_user_model().objects.filter(username=name).update(is_active=active)
    return HttpResponse("ok") if changed else HttpResponseNotFound()
