"""A broker of the live tests alone: some stop and kill it, some need listeners that ask for a password or speak TLS."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tools.processes import HOST
from tools.server_processes import KAFKA, TestServer, server_port, start_server

USER, PASSWORD = "hotline", "a-password-of-the-tests"
NAME = "localhost"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBroker:
    """The broker and its doors; `ca` is the certificate authority that it shows the certificate of."""

    server: TestServer
    with_password: str
    with_tls: str
    ca: Path

    @property
    def sasl(self) -> str:
        """What KAFKA_SASL takes."""
        return f"{USER}:{PASSWORD}"


def start_own_broker(folder: Path) -> OwnBroker:
    """Start it with three doors: open, with a password, with a password behind TLS; raises CannotStart."""
    folder.mkdir(parents=True, exist_ok=True)
    ca, keystore = folder / "ca.pem", folder / "keystore.pem"
    write_certificates(ca, keystore)
    port, inner, with_password, with_tls = (server_port() for _ in range(4))
    doors = {
        "PLAINTEXT": f"{HOST}:{port}",
        "SASL_PLAINTEXT": f"{HOST}:{with_password}",
        "SASL_SSL": f"{NAME}:{with_tls}",
    }
    advertised = ",".join(f"{door}://{address}" for door, address in doors.items())
    properties = {
        "listeners": f"{advertised},CONTROLLER://{HOST}:{inner}",
        "advertised.listeners": advertised,
        "controller.quorum.voters": f"1@{HOST}:{inner}",
        "listener.security.protocol.map": ",".join(["CONTROLLER:PLAINTEXT", *(f"{door}:{door}" for door in doors)]),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": SCRAM,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": SCRAM,
        # A broker that was killed may come back at once, not after nine seconds.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
    }
    server = start_server(KAFKA, folder / "broker", port=port, properties=properties, users={USER: PASSWORD})
    return OwnBroker(
        server=server, with_password=f"kafka://{HOST}:{with_password}", with_tls=f"kafka://{NAME}:{with_tls}", ca=ca
    )


def write_certificates(ca: Path, keystore: Path) -> None:
    """Make an authority, and what it says of `localhost`: key and certificates in one file as the broker reads it."""
    key_of_ca, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
    own = signed(authority, authority, key_of_ca, key_of_ca, x509.BasicConstraints(ca=True, path_length=0))
    names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    shown = signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), authority, key, key_of_ca, names)
    ca.write_bytes(own.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    keystore.write_bytes(private + shown.public_bytes(Encoding.PEM) + own.public_bytes(Encoding.PEM))


def signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    """Return a certificate of a day."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(by, SHA256())
    )
