"""Audiences in words: what each field and operator is called, and a whole tree as one sentence."""

from collections.abc import Callable, Mapping, Sequence

from app.domain.audience import Condition, Group, Member
from app.domain.audience_fields import ATTRIBUTE
from app.rendering.languages import NAMES, Language
from app.rendering.words import band_word, metric_word


def field_word(language: Language, field: str) -> str:
    """What a field is called; an attribute by its own name."""
    _ = language.gettext
    if field.startswith(ATTRIBUTE):
        return field.removeprefix(ATTRIBUTE) or _("Another attribute")
    return {
        "answered": _("What they answered"),
        "asked": _("When they were asked"),
        "followup": _("Open follow-up"),
        "tags": _("Tags"),
        "name": _("Name"),
        "email": _("E-mail"),
        "email_domain": _("Domain of the e-mail"),
        "phone": _("Phone"),
        "telegram": _("Telegram"),
        "external_id": _("External id"),
        "kind": _("Customer or employee"),
        "locale": _("Language"),
        "time_zone": _("Time zone"),
        "created": _("Here since"),
        "source": _("Where they come from"),
        "lawful_basis": _("Lawful basis for asking"),
        "active": _("Active"),
    }.get(field, field)


def operator_word(language: Language, field: str, operator: str) -> str:
    """What can be said of a field, as somebody chooses it."""
    _ = language.gettext
    special = {
        ("answered", "has"): _("have answered"),
        ("answered", "latest"): _("last answered"),
        ("answered", "has_not"): _("have not answered"),
        ("asked", "has"): _("were asked"),
        ("asked", "has_not"): _("were not asked"),
    }
    return special.get((field, operator)) or {
        "is": _("is"),
        "is_not": _("is not"),
        "contains": _("contains"),
        "contains_not": _("does not contain"),
        "is_set": _("is known"),
        "is_not_set": _("is not known"),
        "above": _("is more than"),
        "at_least": _("is at least"),
        "at_most": _("is at most"),
        "below": _("is less than"),
        "before": _("is before"),
        "since": _("is on or after"),
        "within": _("is in the last … days"),
        "older": _("is more than … days ago"),
        "coming": _("is in the next … days"),
        "has_any": _("has any of"),
        "has_all": _("has all of"),
        "has_none": _("has none of"),
        "yes": _("yes"),
        "no": _("no"),
    }.get(operator, operator)


def audience_words(language: Language, audience: Group) -> str:
    """“NPS: detractor in the last 90 days; and plan is Pro”; everybody is said so."""
    if not audience.members:
        return language.gettext("Everybody")
    words = member_words(language, audience, outermost=True)
    return words[:1].upper() + words[1:]


def member_words(language: Language, member: Member, *, outermost: bool = False) -> str:
    """Any part of it as a clause."""
    if isinstance(member, Condition):
        return condition_words(language, member)
    each = [member_words(language, one) for one in member.members]
    and_, or_ = language.gettext("%(one)s, and %(other)s"), language.gettext("%(one)s, or %(other)s")
    said = each[0]
    for other in each[1:]:
        said = (and_ if member.every else or_) % {"one": said, "other": other}
    return said if outermost or len(each) == 1 else f"({said})"


def condition_words(language: Language, condition: Condition) -> str:
    """One condition as a clause."""
    said = _SPECIAL.get(condition.field)
    if said is not None:
        return said(language, condition)
    name = field_word(language, condition.field)
    if not condition.field.startswith(ATTRIBUTE):  # an attribute is written as its owner writes it
        name = name[:1].lower() + name[1:]
    if condition.days is not None:
        return _days(language, name, condition)
    word = operator_word(language, condition.field, condition.operator)
    return " ".join(each for each in (name, word, _value(language, condition)) if each)


def _followup(language: Language, condition: Condition) -> str:
    _ = language.gettext
    return _("with an open follow-up") if condition.operator == "yes" else _("without an open follow-up")


def _active(language: Language, condition: Condition) -> str:
    _ = language.gettext
    return _("active") if condition.operator == "yes" else _("inactive")


def _arrived(language: Language, condition: Condition) -> str:
    _ = language.gettext
    if condition.day is not None:
        day = language.date(condition.day)
        if condition.operator == "before":
            return _("here since before %(day)s", day=day)
        return _("here only since %(day)s or later", day=day)
    days = condition.days or 0
    if condition.operator == "older":
        return language.ngettext("here for more than %(num)s day", "here for more than %(num)s days", days)
    return language.ngettext("here for at most %(num)s day", "here for at most %(num)s days", days)


def _tagged(language: Language, condition: Condition) -> str:
    _ = language.gettext
    tags = [f"“{each}”" for each in condition.values]
    if condition.operator == "has_all":
        return _("tagged with all of %(tags)s", tags=", ".join(tags))
    if condition.operator == "has_none":
        return _("not tagged %(tags)s", tags=_either(language, tags))
    return _("tagged %(tags)s", tags=_either(language, tags))


def _value(language: Language, condition: Condition) -> str:
    if condition.day is not None:
        return language.date(condition.day)
    if condition.number is not None:
        return language.number(condition.number, 0 if float(condition.number).is_integer() else 2)
    return _either(language, [f"“{_shown(language, condition.field, each)}”" for each in condition.values])


def _shown(language: Language, field: str, value: str) -> str:
    _ = language.gettext
    known = {
        "locale": NAMES,
        "kind": {"customer": _("Customer"), "employee": _("Employee")},
        "lawful_basis": {
            "consent": _("Consent"),
            "contract": _("Contract"),
            "legitimate_interest": _("Legitimate interest"),
            "legal_obligation": _("Legal obligation"),
            "none": _("None: kept, never asked"),
        },
    }
    return known.get(field, {}).get(value, value)


def _either(language: Language, values: Sequence[str]) -> str:
    if len(values) < 2:
        return "".join(values)
    return language.gettext("%(some)s or %(last)s", some=", ".join(values[:-1]), last=values[-1])


def _days(language: Language, name: str, condition: Condition) -> str:
    days = condition.days or 0
    if condition.operator == "coming":
        return language.ngettext(
            "%(name)s lies in the next day", "%(name)s lies in the next %(num)s days", days, name=name
        )
    if condition.operator == "older":
        return language.ngettext(
            "%(name)s is more than %(num)s day ago", "%(name)s is more than %(num)s days ago", days, name=name
        )
    return language.ngettext(
        "%(name)s lies in the last day", "%(name)s lies in the last %(num)s days", days, name=name
    )


def _asked(language: Language, condition: Condition) -> str:
    _ = language.gettext
    has = condition.operator == "has"
    if condition.metric is None:
        said = _("were asked") if has else _("were not asked")
    else:
        metric = metric_word(language, condition.metric)
        said = (
            _("were asked %(metric)s", metric=metric)
            if has
            else _("were not asked %(metric)s", metric=metric)
        )
    return _since(language, said, condition.days)


def _answered(language: Language, condition: Condition) -> str:
    _ = language.gettext
    what = _what(language, condition)
    said = {
        "has": _("have answered"),
        "latest": _("last answered"),
        "has_not": _("have not answered"),
    }[condition.operator]
    return _since(language, f"{said} {what}".strip(), condition.days)


def _what(language: Language, condition: Condition) -> str:
    """NPS as a detractor, with a score from 0 to 3."""
    _ = language.gettext
    if condition.metric is None:
        return ""
    said = metric_word(language, condition.metric)
    if condition.band is not None:
        said = _("%(metric)s as %(band)s", metric=said, band=band_word(language, condition.band))
    if condition.low is not None and condition.high is not None:
        return _("%(what)s with %(low)s to %(high)s", what=said, low=condition.low, high=condition.high)
    if condition.low is not None:
        return _("%(what)s with at least %(low)s", what=said, low=condition.low)
    if condition.high is not None:
        return _("%(what)s with at most %(high)s", what=said, high=condition.high)
    return said


def _since(language: Language, said: str, days: int | None) -> str:
    if days is None:
        return said
    return language.ngettext("%(said)s since yesterday", "%(said)s in the last %(num)s days", days, said=said)


_SPECIAL: Mapping[str, Callable[[Language, Condition], str]] = {
    "answered": _answered,
    "asked": _asked,
    "followup": _followup,
    "active": _active,
    "created": _arrived,
    "tags": _tagged,
}
