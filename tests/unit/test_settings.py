"""Settings: checked at once, frozen, silent about secrets; each error names its variable and the cure."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.domain.errors import ConfigurationError
from pipeline.settings import ROOT, VARIABLES, KafkaConnection, load_settings

SASL = {"PIPELINE_KAFKA_SECURITY": "SASL_SSL", "PIPELINE_KAFKA_USER": "app"}


def refused(environment: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


def secret(folder: Path, content: str = "s3cret\n") -> str:
    path = folder / "password"
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_an_empty_environment_is_a_laptop() -> None:
    settings = load_settings({})

    assert settings.kafka == "localhost:9092"
    assert settings.schemas == ROOT / "schemas"
    assert settings.controllers == ()


def test_lists_and_paths_are_read(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "PIPELINE_KAFKA": "a:9092,b:9092",
            "PIPELINE_CONTROLLERS": "allcall, ak3d",
            "PIPELINE_OVERLAYS": f"{tmp_path}:more",
            "PIPELINE_WEB_PORT": "0",
        }
    )

    assert settings.controllers == ("allcall", "ak3d")
    assert settings.overlays == (tmp_path, Path("more"))
    assert settings.web_port == 0


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load_settings({}).web_port = 1  # type: ignore[misc]  # the point of the test


def test_every_wrong_variable_is_named_with_its_cure_at_once() -> None:
    assert refused({"PIPELINE_KAFKA": "localhost", "PIPELINE_WEB_PORT": "http", "PIPELINE_KAFKA_SECURITY": "TLS"}) == [
        "PIPELINE_KAFKA cannot be used: write HOST:PORT, several separated by commas, such as localhost:9092.",
        "PIPELINE_KAFKA_SECURITY cannot be used: choose one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL.",
        "PIPELINE_WEB_PORT cannot be used: write a number from 0 to 65535.",
    ]


def test_a_misspelt_variable_is_told_from_a_stranger() -> None:
    assert refused({"PIPELINE_KAKFA": "a:1"}) == ["PIPELINE_KAKFA is not a setting; did you mean PIPELINE_KAFKA?"]
    assert load_settings({"PIPELINE_PORT": "tcp://10.0.0.1:80", "PIPELINE_SERVICE_HOST": "10.0.0.1"}).web_port == 6066


def test_a_login_needs_user_and_password_file(tmp_path: Path) -> None:
    assert refused({"PIPELINE_KAFKA_SECURITY": "SASL_SSL"}) == [
        "PIPELINE_KAFKA_USER is missing: SASL_SSL needs a user and a password file.",
        "PIPELINE_KAFKA_PASSWORD_FILE is missing: SASL_SSL needs a user and a password file.",
    ]
    assert refused({**SASL, "PIPELINE_KAFKA_PASSWORD_FILE": f"{tmp_path}/none"}) == [
        f"PIPELINE_KAFKA_PASSWORD_FILE: there is no file at {tmp_path}/none; create it or correct the path."
    ]


def test_both_clients_get_the_same_connection(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("x", encoding="utf-8")
    settings = load_settings(
        {
            **SASL,
            "PIPELINE_KAFKA_PASSWORD_FILE": secret(tmp_path),
            "PIPELINE_KAFKA_CA_FILE": str(ca),
        }
    )

    assert settings.connection().confluent() == {
        "bootstrap.servers": "localhost:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "app",
        "sasl.password": "s3cret",
        "ssl.ca.location": str(ca),
    }
    assert settings.connection("b:1").kafka_python() == {
        "bootstrap_servers": "b:1",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "app",
        "sasl_plain_password": "s3cret",
        "ssl_cafile": str(ca),
    }


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    settings = load_settings({**SASL, "PIPELINE_KAFKA_PASSWORD_FILE": secret(tmp_path)})

    assert "s3cret" not in repr(settings) + repr(settings.connection()) + str(settings.model_dump())


def test_an_empty_or_unreadable_secret_is_a_sentence(tmp_path: Path) -> None:
    empty = KafkaConnection(bootstrap="a:1", password_file=Path(secret(tmp_path, " \n")))
    with pytest.raises(ConfigurationError, match=r"PIPELINE_KAFKA_PASSWORD_FILE: .* is empty"):
        empty.password()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        KafkaConnection(bootstrap="a:1", password_file=tmp_path).password()


def test_the_key_is_read_from_its_file(tmp_path: Path) -> None:
    path = secret(tmp_path, "k" * 64 + "\n")

    assert load_settings({"PIPELINE_KEY_FILE": path}).controller_key() == b"k" * 64


def test_a_missing_or_short_key_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PIPELINE_KEY_FILE is missing"):
        load_settings({}).controller_key()
    with pytest.raises(ConfigurationError, match="the key has 6 bytes, 32 are the least"):
        load_settings({"PIPELINE_KEY_FILE": secret(tmp_path)}).controller_key()


def test_the_reference_page_has_every_variable_and_no_other() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `PIPELINE_")}

    assert rows == set(VARIABLES.values())
