"""A client of assay's verifier (`assay serve`), and reward functions for trainers. Standard library only.

    ASSAY_URL=unix:/run/user/1000/assay.sock      or http://127.0.0.1:8080
    from assay_client import reward               # TRL
    from assay_client import compute_score        # verl
    from assay_client import Client               # anything else
"""

from .client import AssayError, BadRequest, Client, Unreachable, Verdict
from .rewards import compute_score, compute_score_async, make_compute_score, make_reward, reward

__all__ = [
    "AssayError",
    "BadRequest",
    "Client",
    "Unreachable",
    "Verdict",
    "compute_score",
    "compute_score_async",
    "make_compute_score",
    "make_reward",
    "reward",
]
