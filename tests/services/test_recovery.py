"""One-time links: asked for by anybody, used once, for one purpose (G03, G04, G05, G07, G08, G09, G16)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.domain.access import Role
from app.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated, Unavailable
from app.models import Member, OneTimeLink, User
from app.runtime import Runtime
from app.services import (
    account_mail,
    accounts,
    first_owner,
    links,
    members,
    recovery,
    second_factor,
    sessions,
)
from app.services.access import Visitor
from app.services.first_owner import FirstForm
from app.services.recovery import Filled
from app.services.sign_in import sign_in
from app.services.tries import Caller
from tests.services.people import (
    ELSEWHERE,
    HERE,
    OTHER_PASSWORD,
    PASSWORD,
    SECRET,
    account,
    code_now,
    mails,
    member_with_password,
    row,
    tokens_alive,
    with_mail,
)  # fmt: skip
from tests.world import Clock, World

EMAIL = "camila@aroeira.example"
NEW = Filled(OTHER_PASSWORD, "Camila Prado")


def token_in(text: str | None) -> str:
    assert text is not None
    return text.rsplit("/link/", 1)[1].split()[0]


def reset_token(runtime: Runtime, email: str = EMAIL) -> str:
    return token_in(recovery.reset_link(runtime, email))


def in_mail(runtime: Runtime, index: int = -1) -> str:
    """The link as it stands in a mail that is being sent."""
    with runtime.db.write() as session:
        return token_in(account_mail.filled(session, runtime, mails(runtime)[index]))


def dead(runtime: Runtime, token: str) -> None:
    with pytest.raises(NotFound):
        links.look(runtime, token)
    with pytest.raises(NotFound):
        recovery.redeem(runtime, token, NEW, HERE)


def test_a_reset_link_sets_a_new_password_and_ends_every_session(runtime: Runtime, world: World) -> None:
    user = account(world)
    sign_in(runtime, EMAIL, PASSWORD, HERE)
    token = reset_token(runtime)
    assert links.look(runtime, token).email == EMAIL
    entered = recovery.redeem(runtime, token, NEW, ELSEWHERE)
    assert tokens_alive(runtime, user.id) == 1
    assert sessions.user_of(runtime, entered.token).id == user.id
    with pytest.raises(Invalid):
        sign_in(runtime, EMAIL, PASSWORD, HERE)
    sign_in(runtime, EMAIL, OTHER_PASSWORD, HERE)


def test_g03_looking_at_a_link_uses_nothing_up_and_using_it_does(runtime: Runtime, world: World) -> None:
    account(world)
    token = reset_token(runtime)
    for _ in range(3):
        links.look(runtime, token)
    recovery.redeem(runtime, token, NEW, HERE)
    dead(runtime, token)


def test_g03_a_link_used_eight_times_at_once_works_once(runtime: Runtime, world: World) -> None:
    account(world)
    token = reset_token(runtime)

    def go(number: int) -> bool:
        try:
            recovery.redeem(runtime, token, Filled(f"{OTHER_PASSWORD} {number}"), HERE)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(go, range(8))) == 1


def test_g03_a_refused_password_leaves_the_link_as_it_was(runtime: Runtime, world: World) -> None:
    account(world)
    token = reset_token(runtime)
    for bad in ("short", "password1234", EMAIL, "x" * 257):
        with pytest.raises(Invalid):
            recovery.redeem(runtime, token, Filled(bad), HERE)
    recovery.redeem(runtime, token, NEW, HERE)


def test_g03_a_reset_link_ends_after_an_hour(runtime: Runtime, world: World, clock: Clock) -> None:
    account(world)
    token = reset_token(runtime)
    clock.advance(minutes=59)
    links.look(runtime, token)
    clock.advance(minutes=1)
    dead(runtime, token)
    clock.advance(days=31)
    assert links.forget_old(runtime) == 1


@pytest.mark.parametrize("what", ["password", "email", "second factor"])
def test_g03_a_change_of_credentials_ends_every_older_link(runtime: Runtime, world: World, what: str) -> None:
    user = account(world)
    token = reset_token(runtime)
    me = sessions.user_of(runtime, sign_in(runtime, EMAIL, PASSWORD, HERE).token)
    if what == "password":
        accounts.change_password(runtime, me, PASSWORD, OTHER_PASSWORD, HERE)
    elif what == "second factor":
        second_factor.set_up(runtime, me, HERE, password=PASSWORD, secret=SECRET, code=code_now(runtime))
    else:
        with runtime.db.write() as session:
            session.get_one(User, user.id).email = "camila.prado@aroeira.example"
    dead(runtime, token)


def test_g03_two_links_of_one_person_the_first_used_ends_the_other(runtime: Runtime, world: World) -> None:
    account(world)
    one, two = reset_token(runtime), reset_token(runtime)
    recovery.redeem(runtime, two, NEW, HERE)
    dead(runtime, one)


def test_g03_a_link_changes_the_password_of_its_own_person_only(runtime: Runtime, world: World) -> None:
    account(world)
    account(world, "rui@aroeira.example")
    recovery.redeem(runtime, reset_token(runtime), NEW, HERE)
    sign_in(runtime, "rui@aroeira.example", PASSWORD, HERE)


@pytest.mark.parametrize(
    "token", ["", " ", "%20", "\t", "\x00", "0" * 64, "x" * 43, "null", "é", "\udc80", "a" * 5000]
)
def test_g08_an_empty_or_invented_token_never_matches(runtime: Runtime, world: World, token: str) -> None:
    account(world)
    reset_token(runtime)
    dead(runtime, token)


def test_g04_the_stored_hash_of_a_token_is_no_token(runtime: Runtime, world: World) -> None:
    account(world)
    reset_token(runtime)
    with runtime.db.read() as session:
        stored = session.query(OneTimeLink.token_hash).scalar()
    dead(runtime, stored)


def test_g04_tokens_of_other_purposes_open_nothing(runtime: Runtime, world: World) -> None:
    account(world)
    session_token = sign_in(runtime, EMAIL, PASSWORD, HERE).token or ""
    dead(runtime, session_token)
    with pytest.raises(Unauthenticated):
        sessions.user_of(runtime, reset_token(runtime))
    with pytest.raises(NotFound):
        first_owner.begin(runtime, reset_token(runtime), first_form(), HERE)


def test_g05_a_link_begins_with_the_public_address_of_the_settings(runtime: Runtime, world: World) -> None:
    account(world)
    public = replace(runtime, config=replace(runtime.config, public_url="https://retorno.example/app"))
    assert recovery.reset_link(public, EMAIL).startswith("https://retorno.example/app/link/")


def test_a_second_factor_is_still_asked_for_after_a_reset(runtime: Runtime, world: World) -> None:
    user = account(world, second_factor=True)
    assert recovery.redeem(runtime, reset_token(runtime), NEW, HERE).token is None
    assert tokens_alive(runtime, user.id) == 0


def test_g07_asking_for_a_reset_says_the_same_for_known_and_unknown(runtime: Runtime, world: World) -> None:
    account(world)
    mailing = with_mail(runtime)
    for email in (EMAIL, "nobody@aroeira.example"):
        recovery.request_reset(mailing, email, HERE)
    queued = mails(runtime)
    assert [mail.to_address for mail in queued] == [EMAIL]
    assert "{{ reset_link }}" in (queued[0].body or "")
    assert "/link/" not in (queued[0].body or "")


def test_the_link_is_made_only_when_its_mail_is_sent(runtime: Runtime, world: World) -> None:
    account(world)
    mailing = with_mail(runtime)
    recovery.request_reset(mailing, EMAIL, HERE)
    with runtime.db.read() as session:
        assert session.query(OneTimeLink).count() == 0
    recovery.redeem(mailing, in_mail(mailing), NEW, HERE)
    sign_in(runtime, EMAIL, OTHER_PASSWORD, HERE)


def test_nobodys_mailbox_is_filled_and_the_stranger_is_not_told(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    account(world)
    mailing = with_mail(runtime)
    for number in range(6):
        recovery.request_reset(mailing, EMAIL, Caller(f"192.0.2.{number}"))
    assert len(mails(runtime)) == 3
    clock.advance(hours=1)
    recovery.request_reset(mailing, EMAIL, HERE)
    assert len(mails(runtime)) == 4


def test_one_address_asks_for_ten_resets_an_hour_at_most(runtime: Runtime) -> None:
    mailing = with_mail(runtime)
    for number in range(10):
        recovery.request_reset(mailing, f"somebody{number}@aroeira.example", HERE)
    with pytest.raises(TooMany):
        recovery.request_reset(mailing, "one.more@aroeira.example", HERE)


def test_a_reset_for_something_that_is_no_address_says_so(runtime: Runtime) -> None:
    with pytest.raises(Invalid):
        recovery.request_reset(with_mail(runtime), "camila", HERE)


def test_without_a_mail_server_no_reset_can_be_asked_for(runtime: Runtime, world: World) -> None:
    account(world)
    with pytest.raises(Unavailable):
        recovery.request_reset(runtime, EMAIL, HERE)
    assert mails(runtime) == []


def test_the_operator_cannot_reset_somebody_unknown(runtime: Runtime) -> None:
    for email in ("nobody@aroeira.example", "no address"):
        with pytest.raises(NotFound):
            recovery.reset_link(runtime, email)


@pytest.fixture
def owner(world: World) -> Visitor:
    return world.member(world.workspace(name="Aroeira"))


def test_an_invited_person_is_a_member_at_once_and_comes_in_by_their_link(
    runtime: Runtime, owner: Visitor
) -> None:
    mailing = with_mail(runtime)
    invited = members.invite(mailing, owner, "Rui@Aroeira.example", "agent")
    assert invited.link is None
    listed = {each.email: each for each in members.list_members(runtime, owner)}
    assert listed["rui@aroeira.example"].role is Role.AGENT
    assert listed["rui@aroeira.example"].joined is None
    token = in_mail(mailing)
    page = links.look(runtime, token)
    assert (page.purpose, page.workspace_name) == ("invitation", "Aroeira")
    entered = recovery.redeem(runtime, token, Filled(PASSWORD, "Rui  Lima", "es"), HERE)
    rui = sessions.user_of(runtime, entered.token)
    assert (rui.name, rui.locale) == ("Rui Lima", "es")
    assert sessions.visit(runtime, entered.token, owner.workspace_slug).role is Role.AGENT
    assert {each.name for each in members.list_members(runtime, owner)} >= {"Rui Lima"}
    dead(runtime, token)


def test_g08_an_invitation_carries_no_role_and_ends_with_the_membership(
    runtime: Runtime, owner: Visitor, clock: Clock
) -> None:
    token = token_in(members.invite(runtime, owner, "rui@aroeira.example", "viewer").link)
    rui = next(each for each in members.list_members(runtime, owner) if each.email == "rui@aroeira.example")
    members.change_role(runtime, owner, rui.id, "agent")
    links.look(runtime, token)
    members.remove(runtime, owner, rui.id)
    dead(runtime, token)
    late = token_in(members.invite(runtime, owner, "ana@aroeira.example", "viewer").link)
    clock.advance(days=7)
    dead(runtime, late)


def test_an_invited_person_says_how_they_are_called(runtime: Runtime, owner: Visitor) -> None:
    token = token_in(members.invite(runtime, owner, "rui@aroeira.example", "agent").link)
    with pytest.raises(Invalid) as refused:
        recovery.redeem(runtime, token, Filled(PASSWORD, " "), HERE)
    assert list(refused.value.by_field()) == ["name"]


def test_g07_inviting_says_the_same_whether_there_is_an_account_or_not(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    account(world, "known@bemtevi.example")
    mailing = with_mail(runtime)
    said = [
        members.invite(mailing, owner, email, "agent")
        for email in ("known@bemtevi.example", "new@bemtevi.example")
    ]
    assert [each.link for each in said] == [None, None]
    listed = [
        each
        for each in members.list_members(runtime, owner)
        if each.joined is None and each.role is Role.AGENT
    ]
    assert [each.name for each in listed] == ["known", "new"]
    body = {mail.to_address: mail.body or "" for mail in mails(runtime)}
    assert "{{ welcome_link }}" in body["known@bemtevi.example"]
    assert "{{ invitation_link }}" in body["new@bemtevi.example"]


def test_an_owner_without_mail_never_gets_a_link_into_an_account_that_exists(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    account(world, "known@bemtevi.example")
    elsewhere = world.member(world.workspace(), Role.OWNER)
    waiting = token_in(members.invite(runtime, elsewhere, "waiting@bemtevi.example", "owner").link)
    for email in ("known@bemtevi.example", "waiting@bemtevi.example"):
        token = token_in(members.invite(runtime, owner, email, "viewer").link)
        assert links.look(runtime, token).purpose == "welcome"
        with pytest.raises(NotFound):
            recovery.redeem(runtime, token, NEW, HERE)
    recovery.redeem(runtime, waiting, NEW, HERE)


def test_h11_inviting_somebody_twice_is_told_apart_only_inside_the_workspace(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    members.invite(runtime, owner, "rui@aroeira.example", "agent")
    with pytest.raises(Conflict):
        members.invite(runtime, owner, "RUI@aroeira.example", "agent")
    members.invite(runtime, world.member(world.workspace()), "rui@aroeira.example", "agent")


@pytest.mark.parametrize(("email", "role", "field"), [
    ("rui", "agent", "email"), ("rui@aroeira.example\r\nBcc: x@y.example", "agent", "email"),
    ("rui@aroeira.example", "admin", "role"), ("rui@aroeira.example", "", "role"),
])  # fmt: skip
def test_an_invitation_needs_an_address_and_a_role_that_exists(
    runtime: Runtime, owner: Visitor, email: str, role: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        members.invite(runtime, owner, email, role)
    assert list(refused.value.by_field()) == [field]


def first_form(**values: str) -> FirstForm:
    return FirstForm(**{
        "workspace": "Loja Sul", "name": "Ana Lima", "email": "ana@lojasul.example", "password": PASSWORD,
        "time_zone": "America/Sao_Paulo", "locale": "pt-BR",
    } | values)  # fmt: skip


def test_the_first_person_makes_the_first_workspace_and_is_its_owner(runtime: Runtime) -> None:
    token = token_in(first_owner.first_link(runtime))
    entered = first_owner.begin(runtime, token, first_form(), HERE)
    who = sessions.visit(runtime, entered.token, "loja-sul")
    assert (who.role, who.name, who.time_zone) == (Role.OWNER, "Ana Lima", "America/Sao_Paulo")
    sign_in(runtime, "ana@lojasul.example", PASSWORD, HERE)


def test_g09_the_first_link_never_works_again_and_no_other_is_made(runtime: Runtime) -> None:
    token = token_in(first_owner.first_link(runtime))
    first_owner.begin(runtime, token, first_form(), HERE)
    assert first_owner.first_link(runtime) is None
    dead(runtime, token)
    with pytest.raises(NotFound):
        first_owner.begin(runtime, token, first_form(email="eve@elsewhere.example"), HERE)


def test_g09_a_first_link_ends_when_a_user_is_made_by_command(runtime: Runtime, world: World) -> None:
    token = token_in(first_owner.first_link(runtime))
    world.user()
    assert first_owner.first_link(runtime) is None
    with pytest.raises(NotFound):
        first_owner.begin(runtime, token, first_form(), HERE)


def test_every_start_before_the_first_person_makes_a_new_link_and_ends_the_old_one(runtime: Runtime) -> None:
    old, new = token_in(first_owner.first_link(runtime)), token_in(first_owner.first_link(runtime))
    dead(runtime, old)
    assert links.look(runtime, new).purpose == "first_owner"


def test_the_first_form_says_everything_that_is_wrong_at_once(runtime: Runtime) -> None:
    token = token_in(first_owner.first_link(runtime))
    with pytest.raises(Invalid) as refused:
        first_owner.begin(runtime, token, FirstForm("", "", "ana", "short", "Mars/Olympus", "tlh"), HERE)
    assert set(refused.value.by_field()) == {"workspace", "name", "email", "password", "time_zone", "locale"}
    first_owner.begin(runtime, token, first_form(), HERE)


def test_two_first_people_at_once_are_one(runtime: Runtime) -> None:
    token = token_in(first_owner.first_link(runtime))

    def go(number: int) -> bool:
        try:
            first_owner.begin(runtime, token, first_form(email=f"ana{number}@lojasul.example"), HERE)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(go, range(4))) == 1
    with runtime.db.read() as session:
        assert session.query(Member).count() == 1


def test_a_password_can_be_set_by_the_link_of_the_operator(runtime: Runtime, world: World) -> None:
    workspace = world.workspace()
    link = members.create(runtime, "rui@aroeira.example", workspace.slug, "manager")
    entered = recovery.redeem(runtime, token_in(link), Filled(PASSWORD, "Rui"), HERE)
    assert sessions.visit(runtime, entered.token, workspace.slug).role is Role.MANAGER
    other = world.workspace()
    assert members.create(runtime, "rui@aroeira.example", other.slug, "viewer") is None
    with pytest.raises(NotFound):
        members.create(runtime, "rui@aroeira.example", "no-such-place", "viewer")


def test_the_second_factor_is_removed_only_with_the_password(runtime: Runtime, world: World) -> None:
    who = member_with_password(world)
    me = sessions.user_of(runtime, sign_in(runtime, EMAIL, PASSWORD, HERE).token)
    code = code_now(runtime)
    for password, typed in (("wrong", code), (PASSWORD, "000000")):
        with pytest.raises(Invalid):
            second_factor.set_up(runtime, me, HERE, password=password, secret=SECRET, code=typed)
    token = second_factor.set_up(runtime, me, HERE, password=PASSWORD, secret=SECRET, code=code)
    assert tokens_alive(runtime, me.id) == 1
    with pytest.raises(Conflict):
        second_factor.set_up(runtime, me, HERE, password=PASSWORD, secret=SECRET, code=code_now(runtime, 1))
    me = sessions.user_of(runtime, token)
    with pytest.raises(Invalid):
        second_factor.remove(runtime, me, "wrong", HERE)
    fresh = second_factor.remove(runtime, me, PASSWORD, HERE)
    assert not sessions.user_of(runtime, fresh).has_second_factor
    with pytest.raises(Unauthenticated):
        sessions.user_of(runtime, token)
    assert row(runtime, who.user_id or "").totp_secret is None


def test_the_operator_helps_somebody_who_lost_their_telephone(runtime: Runtime, world: World) -> None:
    user = account(world, second_factor=True)
    second_factor.remove_for(runtime, EMAIL)
    assert sign_in(runtime, EMAIL, PASSWORD, HERE).token is not None
    assert row(runtime, user.id).totp_secret is None
    with pytest.raises(NotFound):
        second_factor.remove_for(runtime, "nobody@aroeira.example")


def test_whoever_owns_an_account_is_told_by_mail_that_it_changed(runtime: Runtime, world: World) -> None:
    account(world)
    mailing = with_mail(runtime)
    me = sessions.user_of(mailing, sign_in(mailing, EMAIL, PASSWORD, HERE).token)
    accounts.change_password(mailing, me, PASSWORD, OTHER_PASSWORD, HERE)
    recovery.redeem(mailing, reset_token(mailing), Filled(PASSWORD), HERE)
    second_factor.set_up(mailing, me, HERE, password=PASSWORD, secret=SECRET, code=code_now(mailing))
    second_factor.remove(mailing, me, PASSWORD, HERE)
    told = mails(runtime)
    assert [mail.to_address for mail in told] == [EMAIL] * 4
    for mail in told:
        assert EMAIL in (mail.body or "")
        assert "/link/" not in (mail.body or "")
        assert PASSWORD not in (mail.body or "")


def test_somebody_who_was_invited_is_not_told_that_their_password_changed(
    runtime: Runtime, owner: Visitor
) -> None:
    mailing = with_mail(runtime)
    members.invite(mailing, owner, "rui@aroeira.example", "agent")
    recovery.redeem(mailing, in_mail(mailing), Filled(PASSWORD, "Rui"), HERE)
    assert len(mails(runtime)) == 1
