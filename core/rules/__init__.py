"""The rule engine: ordered rules with nested conditions, the first setter of each action wins, every decision explained.

``validate`` a rule set when it is saved, ``compile_rules`` it once per page of orders, ``evaluate`` each order, store
``decision.trace.to_json()``, and ``explain`` it when somebody asks why. Pure: knows no orders and no database.
"""

from .compile import Action, CompiledRules, Decision, FactError, compile_rules
from .conditions import ActionKind, Field, FieldType, InvalidRuleSet, Problem, registry, validate
from .explain import ConditionResult, RuleExplanation, explain
from .trace import Failure, Trace

__all__ = [
    "Action",
    "ActionKind",
    "CompiledRules",
    "ConditionResult",
    "Decision",
    "FactError",
    "Failure",
    "Field",
    "FieldType",
    "InvalidRuleSet",
    "Problem",
    "RuleExplanation",
    "Trace",
    "compile_rules",
    "explain",
    "registry",
    "validate",
]
