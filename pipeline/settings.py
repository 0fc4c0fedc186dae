"""Settings from the environment: the only reader of it. Secrets stay in files and are read where they are used.

Each field of `Settings` is one variable: `PIPELINE_` and the field's name in capitals.
"""

import os
import re
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipeline.domain.errors import ConfigurationError

PREFIX = "PIPELINE_"
_SOURCES = Path(__file__).resolve().parent.parent
ROOT = _SOURCES if (_SOURCES / "topics.yaml").exists() else Path(sysconfig.get_path("data")) / "share/privacy-pipeline"
"""Where `schemas/`, `policies/`, `overlays/` and `topics.yaml` lie: in a source tree, or where a wheel put them."""

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
MIN_KEY_BYTES = 32
"""HMAC-SHA-256 wants a key at least as long as its output (RFC 2104, section 3)."""


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _split_paths(value: object) -> object:
    return tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value


def _path(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_split_paths)]
OnePath = Annotated[Path, BeforeValidator(_path)]
Port = Annotated[int, BeforeValidator(_number), Field(ge=0, le=65535)]


def is_bootstrap(text: str) -> bool:
    """Tell whether a text names brokers: HOST:PORT, several separated by commas; ports from 1 to 65535.

    >>> is_bootstrap("kafka-1:9092,[::1]:9093"), is_bootstrap("kafka-1:99999")
    (True, False)
    """
    found = [_ADDRESS.fullmatch(part) for part in text.split(",")]
    return all(match is not None and 1 <= int(match["port"]) <= 65535 for match in found)


def _bootstrap(value: str) -> str:
    if not is_bootstrap(value):
        raise ValueError("not HOST:PORT")
    return value


_ADDRESS = re.compile(r"(?:[^\s,:\[\]]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
Bootstrap = Annotated[str, AfterValidator(_bootstrap)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """How to reach a Kafka cluster. The password is read from its file when a client is made, and kept nowhere.

    >>> KafkaConnection(bootstrap="localhost:9092").confluent()
    {'bootstrap.servers': 'localhost:9092', 'security.protocol': 'PLAINTEXT'}
    """

    bootstrap: str
    security: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def password(self) -> str | None:
        """Return the SASL password, if any.

        Raises:
            ConfigurationError: the file cannot be read or is empty.
        """
        if self.password_file is None:
            return None
        return _secret(self.password_file, "PIPELINE_KAFKA_PASSWORD_FILE").decode()

    def confluent(self) -> dict[str, str]:
        """Return the connection as confluent-kafka (librdkafka) configuration."""
        return _present(
            {
                "bootstrap.servers": self.bootstrap,
                "security.protocol": self.security,
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.user,
                "sasl.password": self.password(),
                "ssl.ca.location": self.ca_file,
                "ssl.certificate.location": self.certificate_file,
                "ssl.key.location": self.key_file,
            }
        )

    def kafka_python(self) -> dict[str, str]:
        """Return the connection as keyword arguments of kafka-python's clients."""
        return _present(
            {
                "bootstrap_servers": self.bootstrap,
                "security_protocol": self.security,
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password(),
                "ssl_cafile": self.ca_file,
                "ssl_certfile": self.certificate_file,
                "ssl_keyfile": self.key_file,
            }
        )


class Settings(BaseModel):
    """Everything the environment may decide, checked once, frozen afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kafka: Bootstrap = Field("localhost:9092", description="Brokers as HOST:PORT, several separated by commas.")
    kafka_security: SecurityProtocol = Field("PLAINTEXT", description="Security protocol of the connection.")
    kafka_sasl_mechanism: SaslMechanism = Field("SCRAM-SHA-512", description="How to log in, with a SASL protocol.")
    kafka_user: str | None = Field(None, description="User to log in as, with a SASL protocol.")
    kafka_password_file: OnePath | None = Field(None, description="File that holds the password, and nothing else.")
    kafka_ca_file: OnePath | None = Field(None, description="PEM file of the authorities to trust, with SSL.")
    kafka_certificate_file: OnePath | None = Field(None, description="PEM file of our own certificate, for mutual TLS.")
    kafka_key_file: OnePath | None = Field(None, description="PEM file of our own key, for mutual TLS.")
    controllers: Names = Field((), description="Data controllers to serve, separated by commas; empty serves all.")
    group: str = Field(
        "pipeline",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Prefix of the consumer groups; deployments that serve different controllers need different ones.",
    )
    policies: OnePath = Field(ROOT / "policies", description="Folder of the policy documents.")
    overlays: Paths = Field(
        (ROOT / "overlays",), description="Overlay folders or files, separated like PATH; later ones win."
    )
    schemas: OnePath = Field(ROOT / "schemas", description="Folder of the Avro schemas.")
    topics: OnePath = Field(ROOT / "topics.yaml", description="File that declares the topics.")
    state_dir: OnePath = Field(Path("state"), description="Folder of a worker's local state; safe to lose.")
    key_file: OnePath | None = Field(None, description="Secret key of the pseudonyms, 32 bytes or more.")
    officer_key: OnePath | None = Field(None, description="Public key (PEM) of the privacy officer, for dead letters.")
    web_host: str = Field("127.0.0.1", min_length=1, description="Address on which health and metrics are served.")
    web_port: Port = Field(6066, description="Port of the first worker; the next ones count up. 0 takes a free one.")

    def connection(self, bootstrap: str | None = None) -> KafkaConnection:
        """Return how to reach Kafka, optionally at other brokers than the environment names."""
        sasl = self.kafka_security.startswith("SASL")
        return KafkaConnection(
            bootstrap=bootstrap or self.kafka,
            security=self.kafka_security,
            sasl_mechanism=self.kafka_sasl_mechanism if sasl else None,
            user=self.kafka_user if sasl else None,
            password_file=self.kafka_password_file if sasl else None,
            ca_file=self.kafka_ca_file,
            certificate_file=self.kafka_certificate_file,
            key_file=self.kafka_key_file,
        )

    def controller_key(self) -> bytes:
        """Return the secret key of the pseudonyms (architecture 9.1).

        Raises:
            ConfigurationError: no file is set, it cannot be read, or it is too short.
        """
        key = _secret(_required(self.key_file, "PIPELINE_KEY_FILE"), "PIPELINE_KEY_FILE")
        if len(key) < MIN_KEY_BYTES:
            raise ConfigurationError(
                f"PIPELINE_KEY_FILE: the key has {len(key)} bytes, {MIN_KEY_BYTES} are the least; "
                "make one with: openssl rand -hex 32"
            )
        return key


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that the environment gives, all of them checked.

    Args:
        environment: Stands in for the process environment, for tests.

    Raises:
        ConfigurationError: one line for each variable that is wrong, with what it should be.
    """
    found = os.environ if environment is None else environment  # noqa: TID251 (this file is the one reader)
    given = {key: found[name] for key, name in VARIABLES.items() if found.get(name)}
    problems = _misspelt(found)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError("\n".join(problems + _explain(error))) from None
    problems += _incomplete(settings)
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


VARIABLES: Mapping[str, str] = {name: f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
"""Field name to variable name."""

_CURES: Mapping[str, str] = {
    "kafka": "write HOST:PORT, several separated by commas, such as localhost:9092",
    "kafka_security": f"choose one of {', '.join(get_args(SecurityProtocol))}",
    "kafka_sasl_mechanism": f"choose one of {', '.join(get_args(SaslMechanism))}",
    "group": "write 1 to 100 letters, digits, dots, underscores or hyphens",
    "web_port": "write a number from 0 to 65535",
}
_FILES = ("kafka_password_file", "kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "key_file", "officer_key")


def _explain(error: ValidationError) -> list[str]:
    fields = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors(include_input=False, include_url=False))
    return [
        f"{VARIABLES[name]} cannot be used: {_CURES.get(name, 'see docs/reference/settings.md')}." for name in fields
    ]


def _misspelt(environment: Mapping[str, str]) -> list[str]:
    """Name variables that are almost ours. Others may begin like ours: Kubernetes sets PIPELINE_PORT for a service."""
    known = set(VARIABLES.values())
    strangers = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    near = ((name, get_close_matches(name, known, n=1, cutoff=0.92)) for name in strangers)
    return [f"{name} is not a setting; did you mean {match[0]}?" for name, match in near if match]


def _incomplete(settings: Settings) -> list[str]:
    problems = [
        f"{VARIABLES[name]}: there is no file at {path}; create it or correct the path."
        for name in _FILES
        if (path := getattr(settings, name)) is not None and not path.is_file()
    ]
    if settings.kafka_security.startswith("SASL"):
        problems += [
            f"{VARIABLES[name]} is missing: {settings.kafka_security} needs a user and a password file."
            for name in ("kafka_user", "kafka_password_file")
            if getattr(settings, name) is None
        ]
    return problems


def _required(path: Path | None, variable: str) -> Path:
    if path is None:
        raise ConfigurationError(f"{variable} is missing: set it to the path of the key file.")
    return path


def _secret(path: Path, variable: str) -> bytes:
    try:
        content = path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(f"{variable}: {path} cannot be read ({error.strerror}).") from None
    if not content:
        raise ConfigurationError(f"{variable}: {path} is empty.")
    return content


def _present(options: Mapping[str, str | Path | None]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items() if value is not None}
