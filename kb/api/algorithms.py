"""The reference implementations: which there are, what they take, what they give, what they promise."""

from kb.claims.algorithms import Algorithm, Check, Parameter, algorithms, check, parameters, run

__all__ = ["Algorithm", "Check", "Parameter", "algorithms", "check", "parameters", "run"]
