"""Settings: what is missing, wrong, half or unsafe is named, all at once, and no secret is ever told."""

import os
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

import config as settings
from config import BadConfig, Config

SECRET = "kM3vX9qLr2Tz8Wb5Yp0Nc7Hd4Jf1Ga6Se"
GOOD = {"SECRET_KEY": SECRET}
TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "5a" * 16,
    "TWILIO_AUTH_TOKEN": "hunter-two-hunter-two-hunter-two",
    "TWILIO_SMS_FROM": "+551140028922",
}
SERVICE = "MG" + "7c" * 16
MAIL = {"SMTP_URL": "smtp+starttls://loja:hunter-two@smtp.example:587", "MAIL_FROM": "ola@loja.example"}

TOKEN = "123456789:AAF-0123456789_abcdefghijklmnopqrst"
WEBHOOK_SECRET = "Jf1Ga6Se-kM3vX9q_Lr2Tz8"
BOT = {"TELEGRAM_BOT_TOKEN": TOKEN}
WEBHOOK = BOT | {"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET}


def refused(**environ: str) -> str:
    with pytest.raises(BadConfig) as caught:
        Config.from_env(GOOD | environ)
    return str(caught.value)


def test_a_secret_is_enough_to_begin_with() -> None:
    config = Config.from_env(GOOD)
    assert config.database_url.startswith("sqlite:///")
    assert config.public_url == "http://127.0.0.1:8000"
    assert config.sandbox_on
    assert not config.has_channel
    assert config.journal_dir == config.keys_dir.parent / "journal"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db.example/retorno"),
        ("DATABASE_URL", "retorno.db"),
        ("SECRET_KEY_PREVIOUS", "short"),
        ("PUBLIC_URL", "retorno.example"),
        ("PUBLIC_URL", "ftp://retorno.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://retorno.example/?x=1"),
        ("PUBLIC_URL", "https://retorno.example:port"),
        ("PUBLIC_URL", "http://retorno.example"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "eighty"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "two"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "many"),
        ("API_RATE_LIMIT", "600"),
        ("API_RATE_LIMIT", "0/minute"),
        ("API_RATE_LIMIT", "600/second"),
        ("SANDBOX", "yes"),
        ("SMTP_URL", "http://smtp.example"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://user@smtp.example"),
        ("SMTP_URL", "smtps://smtp.example:notaport"),
        ("MAIL_FROM", "Loja <ola@loja.example>"),
        ("MAIL_FROM", "ola"),
        ("MAIL_FROM", "ola@loja.example\nBcc: all@loja.example"),
        ("TELEGRAM_BOT_TOKEN", "loja_bot"),
        ("TELEGRAM_BOT_TOKEN", "123456789"),
        ("TELEGRAM_BOT_TOKEN", "bot123456789:AAF"),
        ("TELEGRAM_BOT_TOKEN", "123456789:AAF/../x"),
        ("TELEGRAM_BOT_TOKEN", "１２３:AAF"),
        ("TELEGRAM_API_URL", "api.telegram.org"),
        ("TELEGRAM_API_URL", "ftp://api.telegram.org"),
        ("TELEGRAM_API_URL", "https://"),
        ("TELEGRAM_API_URL", "https://bots.example/?x=1"),
        ("TELEGRAM_API_URL", "https://user:word@bots.example"),
        ("TELEGRAM_API_URL", "https://api.telegram.org/bot"),
        ("TELEGRAM_API_URL", f"https://api.telegram.org/bot{TOKEN}/"),
        ("TELEGRAM_API_URL", "http://bots.example:8081"),
        ("TELEGRAM_MODE", "push"),
        ("TELEGRAM_WEBHOOK_SECRET", "short-secret-15"),
        ("TELEGRAM_WEBHOOK_SECRET", "with a space in it 1234"),
        ("TELEGRAM_WEBHOOK_SECRET", "çãoçãoçãoçãoçãoção0123"),
        ("TELEGRAM_WEBHOOK_SECRET", "Jf1Ga6Se-kM3vX9q" * 16 + "x"),
        ("TELEGRAM_WEBHOOK_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaa"),
        ("TELEGRAM_WEBHOOK_SECRET", "changeme-0123456789abc"),
        ("TWILIO_ACCOUNT_SID", "AC123"),
        ("TWILIO_ACCOUNT_SID", "SK" + "5a" * 16),
        ("TWILIO_AUTH_TOKEN", "short"),
        ("TWILIO_AUTH_TOKEN", "two words that are no token at all"),
        ("TWILIO_SMS_FROM", "11 4002-8922"),
        ("TWILIO_SMS_FROM", "551140028922"),
        ("TWILIO_SMS_FROM", "whatsapp:+551140028922"),
        ("TWILIO_SMS_FROM", "Loja"),
        ("TWILIO_MESSAGING_SERVICE_SID", "+551140028922"),
        ("TWILIO_WHATSAPP_FROM", "whatsapp:551140028922"),
        ("TWILIO_WHATSAPP_FROM", "whatsapp:"),
        ("TWILIO_API_URL", "api.twilio.com"),
        ("TWILIO_API_URL", "http://api.twilio.com"),
        ("TWILIO_API_URL", "https://user:pass@api.twilio.com"),
        ("TWILIO_API_URL", "https://api.twilio.com?x=1"),
        ("SMS_COUNTRIES", "Brazil"),
        ("SMS_COUNTRIES", "BR,UK"),
        ("SMS_COUNTRIES", "BR;PT"),
        ("SMS_DAILY_SEGMENTS", "-1"),
        ("SMS_DAILY_SEGMENTS", "many"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    assert f"{name}:" in refused(**MAIL | BOT | {name: value})


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(BadConfig) as caught:
        Config.from_env({"PORT": "x", "SANDBOX": "x", "LOG_FORMAT": "x", "SMTP_URL": "x"})
    named = {each.partition(":")[0] for each in caught.value.problems}
    assert named == {"SECRET_KEY", "PORT", "SANDBOX", "LOG_FORMAT", "SMTP_URL"}


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "   ",
        "x" * 64,
        "abc" * 20,
        "0123456789abcdef" * 4,
        "changeme-0123456789-abcdefghijklmnop",
        "your-secret-key-goes-here-abcdefgh123",
        "django-insecure-0a1b2c3d4e5f6g7h8i9j",
        "my-password-is-long-but-well-known-1",
    ],
)
def test_a_secret_that_can_be_guessed_is_refused_and_not_repeated(secret: str) -> None:
    said = refused(SECRET_KEY=secret)
    assert "SECRET_KEY:" in said
    assert not secret.strip() or secret not in said


@pytest.mark.parametrize(
    ("half", "missing"),
    [
        ({"SMTP_URL": MAIL["SMTP_URL"]}, "MAIL_FROM"),
        ({"MAIL_FROM": MAIL["MAIL_FROM"]}, "SMTP_URL"),
        ({"HOST": "0.0.0.0"}, "PUBLIC_URL"),
        ({"SMTP_URL": "smtps://user:@smtp.example", "MAIL_FROM": "a@b.example"}, "SMTP_URL"),
        ({"SMTP_URL": "smtps://:secret@smtp.example", "MAIL_FROM": "a@b.example"}, "SMTP_URL"),
        ({"TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET}, "TELEGRAM_BOT_TOKEN"),
        ({"TELEGRAM_API_URL": "https://bots.example"}, "TELEGRAM_BOT_TOKEN"),
        ({"TELEGRAM_MODE": "webhook"}, "TELEGRAM_BOT_TOKEN"),
        (BOT | {"TELEGRAM_MODE": "webhook"}, "TELEGRAM_WEBHOOK_SECRET"),
        (WEBHOOK, "PUBLIC_URL"),
        (WEBHOOK | {"PUBLIC_URL": "http://retorno.example"}, "PUBLIC_URL"),
        ({"TWILIO_ACCOUNT_SID": TWILIO["TWILIO_ACCOUNT_SID"]}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_ACCOUNT_SID": TWILIO["TWILIO_ACCOUNT_SID"]}, "TWILIO_SMS_FROM"),
        ({"TWILIO_AUTH_TOKEN": TWILIO["TWILIO_AUTH_TOKEN"]}, "TWILIO_ACCOUNT_SID"),
        ({**TWILIO, "TWILIO_SMS_FROM": ""}, "TWILIO_SMS_FROM"),
        ({**TWILIO, "TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN"),
        ({**TWILIO, "TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_SMS_FROM": "+551140028922"}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_AUTH_TOKEN_PREVIOUS": TWILIO["TWILIO_AUTH_TOKEN"]}, "TWILIO_AUTH_TOKEN"),
        ({"TELEGRAM_WEBHOOK_SECRET_PREVIOUS": WEBHOOK_SECRET}, "TELEGRAM_BOT_TOKEN"),
        (BOT | {"TELEGRAM_WEBHOOK_SECRET_PREVIOUS": WEBHOOK_SECRET}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"SMS_DAILY_SPEND": "25"}, "SMS_PRICES"),
        ({"SMS_PRICES": "BR=0.058"}, "SMS_DAILY_SPEND"),
        ({"TWILIO_MESSAGING_SERVICE_SID": SERVICE}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_WHATSAPP_FROM": "+551140028922"}, "TWILIO_ACCOUNT_SID"),
    ],
)
def test_half_of_a_channel_refuses_and_names_the_other_half(half: dict[str, str], missing: str) -> None:
    assert f"{missing}:" in refused(**half)


def test_two_ways_to_write_a_text_are_one_too_many() -> None:
    said = refused(**TWILIO, TWILIO_MESSAGING_SERVICE_SID=SERVICE)
    assert "TWILIO_SMS_FROM:" in said
    assert "TWILIO_MESSAGING_SERVICE_SID" in said


@pytest.mark.parametrize(
    "who",
    [
        {"TWILIO_SMS_FROM": "+551140028922"},
        {"TWILIO_SMS_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": SERVICE},
        {"TWILIO_SMS_FROM": "", "TWILIO_WHATSAPP_FROM": "+551140028922"},
        {"TWILIO_MESSAGING_SERVICE_SID": "", "TWILIO_WHATSAPP_FROM": "whatsapp:+551140028922"},
    ],
)
def test_an_account_with_one_who_writes_is_a_channel(who: dict[str, str]) -> None:
    config = Config.from_env(GOOD | TWILIO | who)
    assert config.has_channel
    assert not config.sandbox_on
    assert config.twilio_api_url == "https://api.twilio.com"
    assert config.twilio_whatsapp_from in (None, "+551140028922")


@pytest.mark.parametrize("url", ["http://127.0.0.1:4010", "http://[::1]:4010/x/", "https://twilio.example/"])
def test_another_address_for_the_provider_is_secure_or_on_this_machine(url: str) -> None:
    assert Config.from_env(GOOD | TWILIO | {"TWILIO_API_URL": url}).twilio_api_url == url.rstrip("/")


def test_where_and_how_much_texts_may_go_is_read_without_an_account() -> None:
    assert Config.from_env(GOOD).sms_countries is None
    assert Config.from_env(GOOD).sms_daily_segments == 1000
    config = Config.from_env(GOOD | {"SMS_COUNTRIES": " br, PT,BR,", "SMS_DAILY_SEGMENTS": "0"})
    assert config.sms_countries == ("BR", "PT")
    assert config.sms_daily_segments == 0
    assert not config.has_channel


def test_a_password_does_not_travel_in_clear_outside_this_machine() -> None:
    public = {"PUBLIC_URL": "https://retorno.example", "MAIL_FROM": "a@b.example"}
    assert "SMTP_URL:" in refused(**public, SMTP_URL="smtp://user:hunter-two@smtp.example")
    Config.from_env(GOOD | public | {"SMTP_URL": "smtp://user:hunter-two@127.0.0.1"})
    Config.from_env(GOOD | public | {"SMTP_URL": "smtp://relay.example"})


def test_telegram_needs_its_token_only_and_a_webhook_a_secret_and_https() -> None:
    config = Config.from_env(GOOD | BOT)
    assert (config.telegram_bot_token, config.telegram_mode) == (TOKEN, "polling")
    assert config.telegram_api_url == "https://api.telegram.org"
    assert config.telegram_webhook_secret is None
    public = Config.from_env(GOOD | WEBHOOK | {"PUBLIC_URL": "https://retorno.example"})
    assert (public.telegram_mode, public.telegram_webhook_secret) == ("webhook", WEBHOOK_SECRET)


def test_a_bot_api_on_this_machine_may_do_without_https() -> None:
    config = Config.from_env(GOOD | WEBHOOK | {"TELEGRAM_API_URL": "http://127.0.0.1:8081/"})
    assert config.telegram_api_url == "http://127.0.0.1:8081"


def test_no_message_tells_a_secret() -> None:
    for environ in (
        {"SMTP_URL": "smtp://user:hunter-two@"},
        {"SMTP_URL": "gopher://user:hunter-two@smtp.example", "MAIL_FROM": "a@b.example"},
        {"SMTP_URL": "smtps://user:hunter-two@smtp.example:99999", "MAIL_FROM": "a@b.example"},
        {"SMTP_URL": "smtp://user:hunter-two@smtp.example", "MAIL_FROM": "x"},
        {"DATABASE_URL": "mysql://user:hunter-two@db.example/x"},
        {"SECRET_KEY": "hunter-two"},
        {"SECRET_KEY_PREVIOUS": "hunter-two"},
        {"TELEGRAM_BOT_TOKEN": "123 hunter-two"},
        {"TELEGRAM_API_URL": "https://api.telegram.org/bot123:hunter-two"},
        {"TELEGRAM_API_URL": "https://user:hunter-two@api.telegram.org"},
        {"TELEGRAM_WEBHOOK_SECRET": "hunter-two"},
        {"TELEGRAM_WEBHOOK_SECRET": "hunter-two hunter-two"},
        {"TELEGRAM_WEBHOOK_SECRET": "hunter-two-kM3vX9qLr2Tz8"},
        {"TWILIO_AUTH_TOKEN": "hunter-two"},
        {**TWILIO, "TWILIO_SMS_FROM": ""},
        {**TWILIO, "TWILIO_API_URL": "https://user:hunter-two@api.twilio.com"},
    ):
        assert "hunter-two" not in refused(**environ)


def test_a_representation_hides_every_secret() -> None:
    config = Config.from_env(
        GOOD
        | MAIL
        | BOT
        | TWILIO
        | {
            "TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "SECRET_KEY_PREVIOUS": SECRET[::-1],
            "DATABASE_URL": "postgresql://retorno:pass-of-the-base@db.example/retorno",
        }
    )
    for secret in (SECRET, SECRET[::-1], "hunter-two", "pass-of-the-base", TOKEN, WEBHOOK_SECRET):
        assert secret not in repr(config)
        assert secret not in str(config)
    shown = {field.name for field in fields(config) if field.repr}
    assert shown.isdisjoint({"secret_key", "secret_key_previous", "smtp_url", "database_url"})
    assert shown.isdisjoint({"telegram_bot_token", "telegram_webhook_secret", "twilio_auth_token"})


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    config = Config.from_env({"SECRET_KEY_FILE": str(file)})
    assert config.secret_key == SECRET
    assert config.secret_files == (file,)


def test_telegrams_secrets_may_stand_in_files_as_well(tmp_path: Path) -> None:
    token, secret = tmp_path / "token", tmp_path / "secret"
    token.write_text(f"{TOKEN}\n")
    secret.write_text(f"{WEBHOOK_SECRET}\n")
    files = {"TELEGRAM_BOT_TOKEN_FILE": str(token), "TELEGRAM_WEBHOOK_SECRET_FILE": str(secret)}
    config = Config.from_env(GOOD | files)
    assert (config.telegram_bot_token, config.telegram_webhook_secret) == (TOKEN, WEBHOOK_SECRET)
    assert set(config.secret_files) == {token, secret}


def test_twilios_token_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TWILIO['TWILIO_AUTH_TOKEN']}\n")
    config = Config.from_env(GOOD | TWILIO | {"TWILIO_AUTH_TOKEN": "", "TWILIO_AUTH_TOKEN_FILE": str(file)})
    assert config.twilio_auth_token == TWILIO["TWILIO_AUTH_TOKEN"]


def test_a_secret_in_two_places_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    assert "SECRET_KEY: set either SECRET_KEY or SECRET_KEY_FILE" in refused(SECRET_KEY_FILE=str(file))


@pytest.mark.parametrize("content", [None, b"", b"half", b"\xff\xfe\x00"])
def test_a_secret_file_that_is_missing_or_half_written_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadConfig, match="SECRET_KEY"):
        Config.from_env({"SECRET_KEY_FILE": str(file)})


def test_a_folder_in_the_place_of_a_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="SECRET_KEY_FILE cannot be read: IsADirectoryError"):
        Config.from_env({"SECRET_KEY_FILE": str(tmp_path)})


def test_what_is_not_a_secret_is_not_read_from_files(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("9")
    assert Config.from_env(GOOD | {"PORT_FILE": str(file)}).port == 8000


def test_empty_means_absent() -> None:
    """As compose files and unit files leave them."""
    config = Config.from_env(GOOD | {"SMTP_URL": "", "PORT": " ", "SANDBOX": "", "SMTP_URL_FILE": ""})
    assert (config.port, config.sandbox, config.smtp_url) == (8000, "auto", None)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each in ("PORT", "SANDBOX", "SECRET_KEY")]:
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f'SECRET_KEY="{SECRET}"\nPORT=9001\nSANDBOX=off\n')
    monkeypatch.setenv("PORT", "9002")
    config = Config.from_env()
    assert (config.port, config.sandbox) == (9002, "off")
    assert tmp_path / ".env" in config.secret_files


def test_the_sandbox_ends_by_itself_once_a_channel_is_real() -> None:
    assert Config.from_env(GOOD).sandbox_on
    assert not Config.from_env(GOOD | MAIL).sandbox_on
    assert not Config.from_env(GOOD | BOT).sandbox_on
    assert Config.from_env(GOOD | MAIL | {"SANDBOX": "on"}).sandbox_on
    assert not Config.from_env(GOOD | {"SANDBOX": "off"}).sandbox_on


def test_the_first_secret_is_random_and_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "var" / "secret_key"
    monkeypatch.setattr(settings, "FIRST_SECRET", file)
    settings.make_first_secret()
    first = file.read_text()
    settings.make_first_secret()
    assert file.read_text() == first, "made once"
    assert file.stat().st_mode & 0o077 == 0
    assert Config.from_env({"SECRET_KEY_FILE": str(file)}).secret_key == first


def test_what_texts_may_cost_is_read_to_the_last_place() -> None:
    config = Config.from_env(
        GOOD | {"SMS_DAILY_SPEND": "12.50", "SMS_PRICES": "br=0.058, US = 0.0079,*=0.12"}
    )
    assert config.sms_daily_spend == Decimal("12.50")
    assert dict(config.sms_prices) == {
        "BR": Decimal("0.058"),
        "US": Decimal("0.0079"),
        "*": Decimal("0.12"),
    }


@pytest.mark.parametrize("spend", ["-1", "25 USD", "1e3", "0.00001", "100001", "NaN", "25,00"])
def test_an_amount_that_is_none_is_refused(spend: str) -> None:
    assert "SMS_DAILY_SPEND:" in refused(SMS_DAILY_SPEND=spend, SMS_PRICES="*=0.1")


@pytest.mark.parametrize(
    "prices", ["BR", "BR=", "BR=0", "XX=0.1", "BR=0.1,BR=0.2", "BR=-1", "=0.1", "BR=0,1"]
)
def test_prices_that_are_none_are_refused(prices: str) -> None:
    assert "SMS_PRICES:" in refused(SMS_DAILY_SPEND="25", SMS_PRICES=prices)
