from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

import views

urlpatterns = [
    path("login", LoginView.as_view()),
    path("logout", LogoutView.as_view()),
    path("whoami", views.whoami),
    path("anonymous", views.anonymous),
    path("set/<str:key>/<path:value>", views.set_value),
    path("get/<str:key>", views.get_value),
    path("delete/<str:key>", views.delete_value),
    path("expiry/<str:value>", views.set_expiry),
    path("flush", views.flush),
    path("cycle", views.cycle),
    path("password-change", views.password_change),
    path("create-user/<str:name>", views.create_user),
    path("activate/<str:name>", views.activate, {"active": True}),
    path("deactivate/<str:name>", views.activate, {"active": False}),
    path("ready/<str:token>", views.ready),
]
