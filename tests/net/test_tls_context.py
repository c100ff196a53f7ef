"""TLS contexts are shared while they are in use, and no longer."""

import gc
from weakref import ref

import trustme

from notifier.net import TlsMaterial, make_context


def material() -> TlsMaterial:
    return TlsMaterial(ca=trustme.CA().cert_pem.bytes())


def test_equal_contents_share_a_context_however_many_others_there_are() -> None:
    wanted = material()
    in_use = make_context(wanted)
    for _ in range(9):
        make_context(material())
    assert make_context(TlsMaterial(ca=wanted.ca)) is in_use


def test_a_context_that_nothing_uses_any_more_is_given_up() -> None:
    renewed = ref(make_context(material()))
    assert renewed() is not None
    for _ in range(9):
        make_context(material())
    gc.collect()
    assert renewed() is None
