"""The system's certificate authorities, for downloads behind a proxy that re-signs TLS connections.

Python's HTTP libraries bring certificates of their own (certifi), which do not contain such a proxy's authority.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

# Debian and Arch, Fedora, SUSE, macOS and Alpine; the Makefile has the same list for pip.
SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
REQUESTS_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # read by `requests` itself


def system_bundle(environment: Mapping[str, str] = os.environ) -> Path | None:
    """PEM file of the system's authorities: SSL_CERT_FILE, else the distribution's; None if there is none."""
    named = environment.get("SSL_CERT_FILE")
    return Path(named) if named else next((file for file in SYSTEM_BUNDLES if file.is_file()), None)


def pip_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment of a pip that trusts the system's certificates, unless the user has named others by PIP_CERT."""
    bundle = system_bundle(environment)
    return ({"PIP_CERT": str(bundle)} if bundle else {}) | dict(environment)


@contextmanager
def jgo_trusts_the_system(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Let jgo's downloads verify servers with the system's certificates until the block ends.

    jgo downloads in this process by `requests` and has no option for certificates. A bundle that the user has named
    for `requests` is left in force. No JVM is involved, so no truststore of Java's is needed.
    """
    from jgo.util import http

    bundle = system_bundle(environment)
    if bundle is None or any(environment.get(name) for name in REQUESTS_VARIABLES):
        yield
        return
    original = http.request
    http.request = partial(original, verify=str(bundle))
    try:
        yield
    finally:
        http.request = original
