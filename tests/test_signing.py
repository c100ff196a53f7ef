import base64
import time
from collections.abc import Mapping

import openai
import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given
from hypothesis import strategies as st

from notifier.signing import (
    TOLERANCE,
    SecretFormatError,
    SignatureError,
    decode_secret,
    generate_secret,
    signature,
    signed_headers,
    verify,
)

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
NOW = 1_760_000_000
BODY = b'{"type":"video.completed"}'


def signed(*keys: bytes, at: int = NOW, body: bytes = BODY) -> dict[str, str]:
    return signed_headers(keys or [KEY], "evt_1", at, body)


def as_secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    key = decode_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_is_signed_with_three_headers() -> None:
    headers = signed(KEY)
    assert headers == {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": signature(KEY, "evt_1", NOW, BODY),
    }


def test_while_rotating_there_is_one_signature_per_key_parted_by_single_spaces() -> None:
    header = signed(KEY, OTHER_KEY)["webhook-signature"]
    expected = [signature(key, "evt_1", NOW, BODY) for key in (KEY, OTHER_KEY)]
    assert header.split(" ") == expected


@pytest.mark.parametrize("receiver", [[KEY], [OTHER_KEY], [OTHER_KEY, KEY]])
def test_a_receiver_with_either_key_accepts_a_message_signed_with_both(
    receiver: list[bytes],
) -> None:
    verify(receiver, signed(KEY, OTHER_KEY), BODY, NOW)


def test_a_receiver_with_both_keys_accepts_a_message_signed_with_one() -> None:
    verify([OTHER_KEY, KEY], signed(KEY), BODY, NOW)


@pytest.mark.parametrize("skew", [-TOLERANCE, 0, TOLERANCE])
def test_clocks_may_differ_by_five_minutes(skew: int) -> None:
    verify([KEY], signed(at=NOW + skew), BODY, NOW)


@pytest.mark.parametrize("skew", [-TOLERANCE - 1, TOLERANCE + 1, 10**30])
def test_an_old_or_future_message_is_refused(skew: int) -> None:
    with pytest.raises(SignatureError, match=r"^webhook-timestamp is more than five minutes"):
        verify([KEY], signed(at=NOW + skew), BODY, NOW)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(missing: str) -> None:
    headers = signed()
    del headers[missing]
    with pytest.raises(SignatureError, match=f"no {missing} header"):
        verify([KEY], headers, BODY, NOW)


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "1.5", "1_760_000_000", "١٧٦"])
def test_a_timestamp_that_is_no_whole_number_is_refused(stamp: str) -> None:
    with pytest.raises(SignatureError, match=r"^webhook-timestamp is not a whole number$"):
        verify([KEY], {**signed(), "webhook-timestamp": stamp}, BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")},
        {"webhook-signature": signed()["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": signed(OTHER_KEY)["webhook-signature"]},
    ],
)
def test_a_message_that_was_changed_is_refused(changed: Mapping[str, str]) -> None:
    with pytest.raises(SignatureError, match=r"^no signature matches$"):
        verify([KEY], {**signed(), **changed}, BODY, NOW)


def test_a_body_that_was_changed_is_refused() -> None:
    with pytest.raises(SignatureError, match=r"^no signature matches$"):
        verify([KEY], signed(), BODY + b" ", NOW)


def test_without_a_key_nothing_is_accepted() -> None:
    with pytest.raises(SignatureError):
        verify([], signed(), BODY, NOW)


def test_signatures_of_other_versions_beside_a_good_one_do_no_harm() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1a,xyz {headers['webhook-signature']} v2"
    verify([KEY], headers, BODY, NOW)


def test_new_secrets_are_usable_and_differ() -> None:
    made = {generate_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(decode_secret(secret)) for secret in made} == {32}


CANARY = "Y2FuYXJ5"


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        CANARY * 4,
        f"WHSEC_{CANARY * 4}",
        f"whsec_{CANARY * 4}!",
        f"whsec_{CANARY * 4}\n",
        f" whsec_{CANARY * 4}",
        f"whsec_{CANARY * 4}é",
        f"whsec_{CANARY * 4}\ud800",
        f"whsec_{CANARY * 4}a",
        f"whsec_{CANARY * 4}-_==",
        f"whsec_whsec_{CANARY * 4}",
    ],
)
def test_a_malformed_secret_is_refused_and_never_repeated(malformed: str) -> None:
    with pytest.raises(SecretFormatError) as caught:
        decode_secret(malformed)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("size", [0, 1, 23, 65, 1000])
def test_a_key_of_the_wrong_size_is_refused_with_its_size(size: int) -> None:
    with pytest.raises(SecretFormatError, match=f"24 to 64 bytes, this one holds {size}"):
        decode_secret(as_secret(b"k" * size))


@given(st.binary(min_size=24, max_size=64))
def test_every_key_of_a_right_size_is_read_back(key: bytes) -> None:
    assert decode_secret(as_secret(key)) == key


@given(st.text() | st.text().map("whsec_".__add__))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    try:
        key = decode_secret(text)
    except SecretFormatError:
        return
    assert 24 <= len(key) <= 64


keys = st.binary(min_size=24, max_size=64)
ids = st.from_regex(r"evt_[0-9a-f]{1,40}", fullmatch=True)


@given(st.lists(keys, min_size=1, max_size=3), ids, st.integers(0, 2**40), st.binary())
def test_what_is_signed_verifies_with_each_key(
    signing: list[bytes], message_id: str, timestamp: int, body: bytes
) -> None:
    headers = signed_headers(signing, message_id, timestamp, body)
    for key in signing:
        verify([key], headers, body, timestamp)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text(st.characters(max_codepoint=255)) | st.just(str(NOW)) | st.just("9" * 5000),
    ),
    st.binary(),
)
def test_any_headers_are_refused_with_one_kind_of_error(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(SignatureError):
        verify([KEY], headers, body, NOW)


@given(st.lists(keys, min_size=1, max_size=3, unique=True), ids, st.text())
def test_independent_verifiers_accept_each_key_while_rotating(
    signing: list[bytes], message_id: str, text: str
) -> None:
    body = base64.b64encode(text.encode("utf-8", "replace")).join([b'{"id":"', b'"}'])
    headers = signed_headers(signing, message_id, int(time.time()), body)
    for key in signing:
        secret = as_secret(key)
        assert standardwebhooks.Webhook(secret).verify(body, headers)
        svix.webhooks.Webhook(secret).verify(body, headers)


def test_the_openai_sdk_accepts_each_key_while_rotating() -> None:
    headers = signed(KEY, OTHER_KEY, at=int(time.time()))
    with openai.OpenAI(api_key="unused") as client:
        for key in (KEY, OTHER_KEY):
            client.webhooks.verify_signature(BODY, headers, secret=as_secret(key))
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.verify_signature(BODY, headers, secret=as_secret(bytes(32)))
