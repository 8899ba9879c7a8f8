"""Roles and what each may do; API scopes and what they open. The only place that orders them."""

from enum import StrEnum


class Role(StrEnum):
    """A member's role, from the one that may least to the one that may everything."""

    VIEWER = "viewer"  # reads
    AGENT = "agent"  # also works follow-ups and edits contacts
    MANAGER = "manager"  # also surveys, schedules, asking, import, pulses, the sending switch
    OWNER = "owner"  # also members, API keys, the workspace's settings, the headline

    @property
    def rank(self) -> int:
        """0 for the least; use `reaches` to compare."""
        return _ORDER.index(self)

    def reaches(self, needed: "Role") -> bool:
        """May somebody with this role do what needs `needed`?"""
        return self.rank >= needed.rank


_ORDER = (Role.VIEWER, Role.AGENT, Role.MANAGER, Role.OWNER)

MAY = {
    Role.VIEWER: "Reads everything in this workspace.",
    Role.AGENT: "Also works on follow-ups and edits contacts.",
    Role.MANAGER: "Also edits surveys and schedules, asks people and imports contacts.",
    Role.OWNER: "Also manages members, API keys and these settings.",
}

# A key without an explicit list has them all; one that is not here is refused on creation.
SCOPES = (
    "contacts:read",
    "contacts:write",
    "surveys:read",
    "surveys:write",
    "invitations:read",
    "invitations:write",
    "schedules:read",
    "schedules:write",
    "segments:read",
    "segments:write",
    "pulses:read",
    "pulses:write",
    "headline:write",
    "answers:read",
    "metrics:read",
    "followups:read",
    "followups:write",
    "events:write",
    "webhooks:read",
    "webhooks:write",
    "workspace:read",
    "workspace:write",
    "members:read",
)


# What a scope lets somebody do is at least this role's to do: a key never reaches further than its maker.
_NEEDS_MORE = {
    "contacts:write": Role.AGENT,
    "followups:write": Role.AGENT,
    "surveys:write": Role.MANAGER,
    "invitations:write": Role.MANAGER,
    "schedules:write": Role.MANAGER,
    "segments:write": Role.MANAGER,
    "pulses:write": Role.MANAGER,
    "events:write": Role.MANAGER,
    "headline:write": Role.OWNER,
    "webhooks:read": Role.OWNER,
    "webhooks:write": Role.OWNER,
    "workspace:write": Role.OWNER,
}


def least_role(scope: str) -> Role:
    """The role that a key needs besides this scope."""
    return _NEEDS_MORE.get(scope, Role.VIEWER)


def opens(scopes: "frozenset[str] | tuple[str, ...]", needed: str) -> bool:
    """Do these scopes open what needs `needed`? Writing implies no reading: a key may only feed."""
    return needed in scopes


def unknown_scopes(scopes: "tuple[str, ...]") -> list[str]:
    """The ones that do not exist, in the order given."""
    return [scope for scope in scopes if scope not in SCOPES]
