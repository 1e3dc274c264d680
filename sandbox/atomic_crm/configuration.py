"""What an Atomic CRM offers to choose from: upstream's defaults, and what an admin saved (`atomic_crm.md` 3.2, 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: value → label, in order.
SECTORS: Mapping[str, str] = {
    "communication-services": "Communication Services",
    "consumer-discretionary": "Consumer Discretionary",
    "consumer-staples": "Consumer Staples",
    "energy": "Energy",
    "financials": "Financials",
    "health-care": "Health Care",
    "industrials": "Industrials",
    "information-technology": "Information Technology",
    "materials": "Materials",
    "real-estate": "Real Estate",
    "utilities": "Utilities",
}
CATEGORIES: Mapping[str, str] = {
    "other": "Other",
    "copywriting": "Copywriting",
    "print-project": "Print project",
    "ui-design": "UI Design",
    "website-design": "Website design",
}
TASK_TYPES: Mapping[str, str] = {
    "none": "None",
    "email": "Email",
    "demo": "Demo",
    "lunch": "Lunch",
    "meeting": "Meeting",
    "follow-up": "Follow-up",
    "thank-you": "Thank you",
    "ship": "Ship",
    "call": "Call",
}
#: `in-negociation` is misspelt upstream and stays so.
STAGES: Mapping[str, str] = {
    "opportunity": "Opportunity",
    "proposal-sent": "Proposal Sent",
    "in-negociation": "In Negotiation",
    "won": "Won",
    "lost": "Lost",
    "delayed": "Delayed",
}
#: As an admin saved them: labels renamed, so value ≠ slug(label); `opportunity`, which the form still writes, is gone.
SAVED_STAGES: Mapping[str, str] = {
    "lead": "New lead",
    "proposal-sent": "Offer is out",
    "in-negociation": "In Negotiation",
    "won": "Won 🎉",
    "lost": "Lost",
    "delayed": "On ice",
}
STATUSES: Mapping[str, tuple[str, str]] = {
    "cold": ("Cold", "#7dbde8"),
    "warm": ("Warm", "#e8cb7d"),
    "hot": ("Hot", "#e88b7d"),
    "in-contract": ("In Contract", "#a4e87d"),
}


def label(known: Mapping[str, str], value: Any) -> Any:
    """What older eras stored: the label; a value that is not configured as it is."""
    return known.get(value, value)


def saved(*, stages: Mapping[str, str] = SAVED_STAGES, title: str = "Atomic CRM") -> dict[str, Any]:
    """`configuration.config` once an admin has saved the settings: every key."""
    return {
        "title": title,
        "lightModeLogo": "./logos/logo_atomic_crm_light.svg",
        "darkModeLogo": "",
        "currency": "EUR",
        "companySectors": _choices(SECTORS),
        "dealCategories": _choices(CATEGORIES),
        "taskTypes": _choices(TASK_TYPES),
        "dealStages": _choices(stages),
        "dealPipelineStatuses": ["won"],
        "noteStatuses": [{"value": v, "label": name, "color": color} for v, (name, color) in STATUSES.items()],
    }


def forked() -> dict[str, Any]:
    """As forks have it (`atomic_crm.md` 3.5): a value twice, labels with `|`, no `won`, lists missing, pipeline
    statuses that are labels, a currency in lower case, keys nobody knows."""
    return {
        "title": "CRM | Ops",
        "currency": "chf",
        "dealStages": [
            {"value": "contract", "label": "Договор | A"},
            {"value": "contract", "label": "Договор | B"},
            {"value": "in_transit", "label": "В пути", "multiplier": 0.5},
            {"value": "成交", "label": "成交"},
        ],
        "dealPipelineStatuses": ["成交"],
        "noteStatuses": [{"value": "cold", "label": label, "color": "#7dd8e8ff"} for label in ("Новый", "Старый")],
        "companySectors": [],
        "customViews": {"default": "kanban"},
    }


def _choices(labels: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"value": value, "label": shown} for value, shown in labels.items()]
