"""Addresses below ``orders/rules/``; names stand in the namespace ``orders``."""

from django.urls import path

from orders import views_rule_trials, views_rules

urlpatterns = [
    path("", views_rules.index, name="rules"),
    path("figures", views_rules.figures, name="rules_figures"),
    path("arrange", views_rules.arrange, name="rules_arrange"),
    path("new", views_rules.add, name="rule_new"),
    path("check", views_rules.check, name="rule_check"),
    path("rule/<slug:rule>/", views_rules.edit, name="rule"),
    path("publish", views_rules.publish, name="rules_publish"),
    path("discard", views_rules.discard, name="rules_discard"),
    path("versions/", views_rules.versions, name="rules_versions"),
    path("versions/<int:version>/", views_rules.version, name="rules_version"),
    path("versions/<int:version>/back", views_rules.roll_back, name="rules_back"),
    path("versions/<int:version>/take", views_rules.take, name="rules_take"),
    path("try/", views_rule_trials.trials, name="rules_try"),
    path("try/start", views_rule_trials.start, name="rules_try_start"),
    path("try/<int:pk>/", views_rule_trials.trial, name="rules_trial"),
    path("try/<int:pk>/reroute", views_rule_trials.reroute, name="rules_reroute"),
    path("why/<int:pk>/", views_rule_trials.why, name="rules_why"),
]
