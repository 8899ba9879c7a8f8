"""Signing in: sessions that end, counted tries, nothing to learn (G01, G02, G06, G07, G15, G16)."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.errors import Invalid, NotFound, TooMany, Unauthenticated
from app.models import User, UserSession
from app.runtime import Runtime
from app.sealing import lock
from app.services import accounts, sessions
from app.services.sign_in import Entered, confirm_code, sign_in
from app.services.tries import Caller
from tests.services.people import (
    ELSEWHERE,
    HERE,
    OTHER_PASSWORD,
    PASSWORD,
    SECRET,
    account,
    code_now,
    member_with_password,
    row,
    tokens_alive,
)  # fmt: skip
from tests.world import Clock, World

EMAIL = "camila@aroeira.example"


def fail(runtime: Runtime, email: str = EMAIL, caller: Caller = HERE) -> Invalid:
    with pytest.raises(Invalid) as refused:
        sign_in(runtime, email, "not the password", caller)
    return refused.value


def stranger(number: int) -> Caller:
    return Caller(f"192.0.2.{number}")


def token_of(entered: Entered) -> str:
    assert entered.token is not None
    return entered.token


def test_a_right_password_starts_a_session(runtime: Runtime, world: World) -> None:
    user = account(world)
    token = token_of(sign_in(runtime, "  Camila@Aroeira.example ", PASSWORD, HERE))
    assert sessions.user_of(runtime, token).id == user.id


def test_only_the_hash_of_a_token_is_stored(runtime: Runtime, world: World) -> None:
    account(world)
    token = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    assert len(token) >= 43  # 256 bits
    with runtime.db.read() as session:
        stored = session.query(UserSession).one()
        assert token not in repr(vars(stored))
        assert HERE.address not in repr(vars(stored))


def test_g02_every_sign_in_has_a_token_of_its_own(runtime: Runtime, world: World) -> None:
    user = account(world)
    tokens = {token_of(sign_in(runtime, EMAIL, PASSWORD, HERE)) for _ in range(3)}
    assert len(tokens) == 3
    assert tokens_alive(runtime, user.id) == 3


@pytest.mark.parametrize("token", [None, "", " ", "x" * 43, 7, "\udc80", ["a"]])
def test_a_token_that_is_none_of_ours_is_nobody(runtime: Runtime, world: World, token: object) -> None:
    account(world)
    with pytest.raises(Unauthenticated):
        sessions.user_of(runtime, token)


def test_a_session_ends_after_fourteen_days_without_a_visit(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    account(world)
    token = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    clock.advance(days=13, hours=23)
    sessions.user_of(runtime, token)
    clock.advance(days=13, hours=23)
    sessions.user_of(runtime, token)
    clock.advance(days=14, minutes=1)
    with pytest.raises(Unauthenticated):
        sessions.user_of(runtime, token)


def test_a_session_ends_after_thirty_days_however_busy(runtime: Runtime, world: World, clock: Clock) -> None:
    account(world)
    token = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    for _ in range(29):
        clock.advance(days=1)
        sessions.user_of(runtime, token)
    clock.advance(days=1)
    with pytest.raises(Unauthenticated):
        sessions.user_of(runtime, token)
    assert sessions.forget_old(runtime) == 1


def test_a_visit_is_written_down_a_few_times_a_day_and_not_on_every_page(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    who = member_with_password(world)
    token = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    sessions.visit(runtime, token, who.workspace_slug)
    first = clock.now

    def seen() -> object:
        with runtime.db.read() as session:
            return session.query(UserSession.seen_at).scalar()

    clock.advance(hours=1)
    sessions.visit(runtime, token, who.workspace_slug)
    assert seen() == first
    clock.advance(hours=6)
    sessions.visit(runtime, token, who.workspace_slug)
    assert seen() == clock.now


def test_a_visitor_is_a_member_of_exactly_the_workspace_in_the_address(
    runtime: Runtime, world: World
) -> None:
    who = member_with_password(world)
    strange = world.workspace()
    token = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    assert sessions.visit(runtime, token, who.workspace_slug) == replace(who, name="Camila Prado")
    for slug in (strange.slug, "no-such-place", "", "%", "\x00", who.workspace_slug.upper() + "x"):
        with pytest.raises(NotFound):
            sessions.visit(runtime, token, slug)


def test_the_place_used_last_is_remembered_by_the_account(runtime: Runtime, world: World) -> None:
    first = member_with_password(world)
    second = world.member(world.workspace(name="Zebra"), user=row(runtime, first.user_id or ""))
    token = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    assert sessions.last_place(runtime, sessions.user_of(runtime, token)) == first.workspace_slug
    sessions.visit(runtime, token, second.workspace_slug)
    assert sessions.last_place(runtime, sessions.user_of(runtime, token)) == second.workspace_slug


def test_signing_out_ends_this_browser_only_and_everywhere_ends_all(runtime: Runtime, world: World) -> None:
    account(world)
    one, two, three = (token_of(sign_in(runtime, EMAIL, PASSWORD, HERE)) for _ in range(3))
    sessions.sign_out(runtime, one)
    sessions.sign_out(runtime, one)
    with pytest.raises(Unauthenticated):
        sessions.user_of(runtime, one)
    sessions.sign_out_everywhere(runtime, sessions.user_of(runtime, two))
    for token in (two, three):
        with pytest.raises(Unauthenticated):
            sessions.user_of(runtime, token)


def test_somebody_ends_one_of_their_own_devices_and_nobody_elses(runtime: Runtime, world: World) -> None:
    account(world)
    account(world, "rui@aroeira.example")
    mine = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    lost = token_of(sign_in(runtime, EMAIL, PASSWORD, ELSEWHERE))
    theirs = token_of(sign_in(runtime, "rui@aroeira.example", PASSWORD, ELSEWHERE))
    me, rui = sessions.user_of(runtime, mine), sessions.user_of(runtime, theirs)
    devices = sessions.devices(runtime, me, mine)
    assert {device.name for device in devices} == {"Firefox, Linux", "Chrome, Windows"}
    assert [device.name for device in devices if device.is_this] == ["Firefox, Linux"]
    lost_id = next(device.id for device in devices if not device.is_this)
    for nobody, device_id in ((rui, lost_id), (me, "%" * 16), (me, "_" * 16), (me, ""), (me, lost_id[:8])):
        with pytest.raises(NotFound):
            sessions.end_device(runtime, nobody, device_id)
    sessions.end_device(runtime, me, lost_id)
    with pytest.raises(Unauthenticated):
        sessions.user_of(runtime, lost)
    sessions.user_of(runtime, mine)


def test_g01_changing_the_password_ends_every_other_session_at_once(runtime: Runtime, world: World) -> None:
    account(world)
    here, there = (token_of(sign_in(runtime, EMAIL, PASSWORD, HERE)) for _ in range(2))
    me = sessions.user_of(runtime, here)
    fresh = accounts.change_password(runtime, me, PASSWORD, OTHER_PASSWORD, HERE)
    for token in (here, there):
        with pytest.raises(Unauthenticated):
            sessions.user_of(runtime, token)
    assert sessions.user_of(runtime, fresh).id == me.id
    fail(runtime)
    sign_in(runtime, EMAIL, OTHER_PASSWORD, HERE)


def test_changing_the_password_needs_the_present_one(runtime: Runtime, world: World) -> None:
    account(world)
    token = token_of(sign_in(runtime, EMAIL, PASSWORD, HERE))
    me = sessions.user_of(runtime, token)
    with pytest.raises(Invalid) as refused:
        accounts.change_password(runtime, me, "wrong", OTHER_PASSWORD, HERE)
    assert list(refused.value.by_field()) == ["current_password"]
    with pytest.raises(Invalid) as refused:
        accounts.change_password(runtime, me, PASSWORD, "short", HERE)
    assert list(refused.value.by_field()) == ["new_password"]
    sessions.user_of(runtime, token)


def test_g06_the_eleventh_failure_in_a_quarter_of_an_hour_is_not_even_looked_at(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    account(world)
    for _ in range(10):
        fail(runtime)
    with pytest.raises(TooMany) as refused:
        sign_in(runtime, EMAIL, PASSWORD, HERE)
    assert 0 < refused.value.retry_after <= 900
    clock.advance(minutes=15)
    sign_in(runtime, EMAIL, PASSWORD, HERE)


def test_nine_failures_and_then_the_right_password_are_somebody_honest(
    runtime: Runtime, world: World
) -> None:
    account(world)
    for _ in range(9):
        fail(runtime)
    for _ in range(20):
        sign_in(runtime, EMAIL, PASSWORD, HERE)


def test_g06_an_address_that_tries_many_accounts_is_stopped_after_ten(runtime: Runtime, world: World) -> None:
    account(world)
    for number in range(10):
        fail(runtime, f"somebody{number}@aroeira.example")
    with pytest.raises(TooMany):
        sign_in(runtime, EMAIL, PASSWORD, HERE)


def test_g06_addresses_that_take_turns_are_stopped_at_the_account(runtime: Runtime, world: World) -> None:
    account(world)
    for number in range(10):
        fail(runtime, caller=stranger(number))
    with pytest.raises(TooMany):
        sign_in(runtime, EMAIL, PASSWORD, stranger(77))


def test_g06_one_ipv6_customer_with_a_whole_network_is_one_address(runtime: Runtime, world: World) -> None:
    account(world)
    for number in range(10):
        fail(runtime, f"somebody{number}@aroeira.example", Caller(f"2001:db8:1:2::{number:x}"))
    with pytest.raises(TooMany):
        sign_in(runtime, EMAIL, PASSWORD, Caller("2001:db8:1:2:ffff::1"))
    sign_in(runtime, EMAIL, PASSWORD, Caller("2001:db8:1:3::1"))


def test_g06_a_stranger_at_one_address_locks_nobody_out_elsewhere(runtime: Runtime, world: World) -> None:
    account(world)
    for _ in range(10):
        fail(runtime, caller=stranger(1))
    with pytest.raises(TooMany):
        sign_in(runtime, EMAIL, PASSWORD, stranger(1))
    sign_in(runtime, EMAIL, PASSWORD, HERE)


def test_g06_many_strangers_lock_nobody_out_of_a_browser_or_a_place_where_they_are_at_home(
    runtime: Runtime, world: World
) -> None:
    user = account(world)
    sign_in(runtime, EMAIL, PASSWORD, HERE)
    for number in range(10):
        fail(runtime, caller=stranger(number))
    sign_in(runtime, EMAIL, PASSWORD, HERE)
    travelling = Caller("198.51.100.200", browser="b" * 32, known=frozenset({user.id}))
    sign_in(runtime, EMAIL, PASSWORD, travelling)
    with pytest.raises(TooMany):
        sign_in(runtime, EMAIL, PASSWORD, replace(travelling, address="198.51.100.201", known=frozenset()))


def test_g06_a_known_browser_has_ten_tries_too(runtime: Runtime, world: World) -> None:
    user = account(world)
    thief = Caller("198.51.100.200", browser="b" * 32, known=frozenset({user.id}))
    for number in range(10):
        fail(runtime, caller=replace(thief, address=f"198.51.100.{number}"))
    with pytest.raises(TooMany):
        sign_in(runtime, EMAIL, PASSWORD, thief)


def test_g06_a_colleague_at_the_same_address_tries_ten_times_for_all_of_us_together(
    runtime: Runtime, world: World
) -> None:
    emails = [f"colleague{number}@aroeira.example" for number in range(4)]
    users = [account(world, email) for email in emails]
    for email in emails:
        sign_in(runtime, email, PASSWORD, HERE)
    for number in range(10):
        fail(runtime, emails[number % 4])
    with pytest.raises(TooMany):
        sign_in(runtime, emails[0], PASSWORD, HERE)
    known = replace(HERE, browser="b" * 32, known=frozenset({users[0].id}))
    sign_in(runtime, emails[0], PASSWORD, known)


def test_fifty_guesses_at_once_are_fifty_guesses(runtime: Runtime, world: World) -> None:
    account(world)

    def guess(number: int) -> str:
        try:
            sign_in(runtime, EMAIL, f"guess number {number}", HERE)
        except (Invalid, TooMany) as error:
            return type(error).__name__
        return "in"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(50)))
    assert outcomes.count("Invalid") == 10
    assert outcomes.count("TooMany") == 40


def test_g07_an_unknown_address_and_a_wrong_password_are_told_the_same(
    runtime: Runtime, world: World
) -> None:
    account(world)
    world.user(email="without.password@aroeira.example", password_hash=None)
    said = {
        str(fail(runtime, email))
        for email in (
            EMAIL,
            "nobody@aroeira.example",
            "without.password@aroeira.example",
            "no address",
            "",
            "a\x00b@x.example",
            "\udc80",
        )
    }
    assert len(said) == 1


def test_g07_an_unknown_address_takes_as_long_as_a_known_one(runtime: Runtime) -> None:
    slow = replace(runtime, config=replace(runtime.config, argon2_profile="default"))
    account(World(slow), EMAIL)

    def median(emails: list[str]) -> float:
        """Seconds of this process alone, whatever else the machine does meanwhile."""
        taken = []
        for number, email in enumerate(emails):
            started = time.process_time()
            fail(slow, email, stranger(number))
            taken.append(time.process_time() - started)
        return statistics.median(taken)

    median(["warm@aroeira.example"])
    known, unknown = median([EMAIL] * 3), median([f"nobody{n}@aroeira.example" for n in range(3)])
    assert unknown > known / 2
    assert known > unknown / 2


def test_g15_a_megabyte_of_password_is_refused_without_being_hashed(runtime: Runtime, world: World) -> None:
    account(world)
    started = time.perf_counter()
    with pytest.raises(Invalid):
        sign_in(runtime, EMAIL, "a" * 1_000_000, HERE)
    assert time.perf_counter() - started < 0.5


def test_g15_a_password_typed_with_combining_accents_is_the_same_password(
    runtime: Runtime, world: World
) -> None:
    account(world)
    me = sessions.user_of(runtime, token_of(sign_in(runtime, EMAIL, PASSWORD, HERE)))
    accounts.change_password(runtime, me, PASSWORD, "canção azul de ninar", HERE)
    sign_in(runtime, EMAIL, "canc\u0327a\u0303o azul de ninar", HERE)


def test_a_hash_that_was_made_more_cheaply_is_renewed_at_sign_in(runtime: Runtime, world: World) -> None:
    user = account(world)
    today = replace(runtime, config=replace(runtime.config, argon2_profile="default"))
    sign_in(today, EMAIL, PASSWORD, HERE)
    renewed = row(runtime, user.id).password_hash
    assert renewed and renewed != user.password_hash
    sign_in(today, EMAIL, PASSWORD, HERE)
    assert row(runtime, user.id).password_hash == renewed


def half_way(runtime: Runtime) -> Entered:
    entered = sign_in(runtime, EMAIL, PASSWORD, HERE)
    assert entered.token is None
    return entered


def enter_code(runtime: Runtime, entered: Entered, code: str) -> str:
    return confirm_code(runtime, entered.user_id, entered.state, code, HERE)


def test_g16_with_a_second_factor_the_password_alone_starts_nothing(runtime: Runtime, world: World) -> None:
    user = account(world, second_factor=True)
    entered = half_way(runtime)
    assert tokens_alive(runtime, user.id) == 0
    token = enter_code(runtime, entered, code_now(runtime))
    assert sessions.user_of(runtime, token).has_second_factor


@pytest.mark.parametrize("code", ["", " ", "000000", "12345", "1234567", "abcdef", "１２３４５６", "\udc80"])
def test_g16_anything_but_the_present_code_is_refused(runtime: Runtime, world: World, code: str) -> None:
    account(world, second_factor=True)
    with pytest.raises(Invalid):
        enter_code(runtime, half_way(runtime), code)


def test_g16_a_code_typed_with_a_gap_or_half_a_minute_late_is_right(runtime: Runtime, world: World) -> None:
    account(world, second_factor=True)
    code = code_now(runtime, -1)
    enter_code(runtime, half_way(runtime), f" {code[:3]} {code[3:]} ")


def test_g16_a_code_of_two_minutes_ago_is_refused(runtime: Runtime, world: World) -> None:
    account(world, second_factor=True)
    with pytest.raises(Invalid):
        enter_code(runtime, half_way(runtime), code_now(runtime, -4))


def test_g16_a_code_works_once_and_so_does_every_earlier_one(runtime: Runtime, world: World) -> None:
    account(world, second_factor=True)
    code = code_now(runtime)
    enter_code(runtime, half_way(runtime), code)
    for used in (code, code_now(runtime, -1)):
        with pytest.raises(Invalid):
            enter_code(runtime, half_way(runtime), used)


def test_g16_one_code_sent_by_eight_browsers_at_once_lets_one_in(runtime: Runtime, world: World) -> None:
    user = account(world, second_factor=True)
    entered, code = half_way(runtime), code_now(runtime)

    def go(_: int) -> bool:
        try:
            enter_code(runtime, entered, code)
        except (Invalid, TooMany):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(go, range(8))) == 1
    assert tokens_alive(runtime, user.id) == 1


def test_g16_codes_cannot_be_tried_one_after_the_other(runtime: Runtime, world: World) -> None:
    account(world, second_factor=True)
    entered = half_way(runtime)
    for number in range(10):
        with pytest.raises(Invalid):
            enter_code(runtime, entered, f"{number:06}")
    with pytest.raises(TooMany):
        enter_code(runtime, entered, code_now(runtime))


def test_a_half_way_sign_in_ends_when_the_password_changes(runtime: Runtime, world: World) -> None:
    user = account(world, second_factor=True)
    entered = half_way(runtime)
    with runtime.db.write() as session:
        session.get_one(User, user.id).password_hash = "changed meanwhile"
    with pytest.raises(Unauthenticated):
        enter_code(runtime, entered, code_now(runtime))


def test_g20_a_second_factor_survives_a_new_secret_key_and_is_locked_with_it(
    runtime: Runtime, world: World
) -> None:
    user = account(world, second_factor=True)
    old = runtime.config.secret_key
    rotated = replace(
        runtime,
        config=replace(runtime.config, secret_key="another-secret-0123456789-xyz", secret_key_previous=old),
    )
    enter_code(rotated, half_way(rotated), code_now(rotated))
    stored = row(runtime, user.id).totp_secret
    assert stored != user.totp_secret
    later = replace(rotated, config=replace(rotated.config, secret_key_previous=None))
    enter_code(later, half_way(later), code_now(later, 1))


def test_a_second_factor_does_not_stand_in_the_database_in_clear(runtime: Runtime) -> None:
    assert SECRET not in lock(runtime.config.secret_key, SECRET)
