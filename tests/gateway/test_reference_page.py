"""Every example answer of the page that the project started from."""

import json

import pytest

from notifier.gateway import Dialect, classify
from notifier.model.answer import Answer, NotFound, Seen
from notifier.model.status import Status

VIDEO = "video_68f10985d6c4819097007665bdcfba5f"


def video(**fields: object) -> dict[str, object]:
    return {
        "id": VIDEO,
        "object": "video",
        "model": "sora-2",
        "status": "queued",
        "progress": 0,
        "created_at": 1760627077,
        "completed_at": None,
        "expires_at": None,
        "seconds": "8",
        "size": "1280x720",
        "remixed_from_video_id": None,
        "error": None,
    } | fields


def ask(body: object, status: int = 200) -> Answer:
    return classify(
        status,
        {"content-type": "application/json"},
        json.dumps(body).encode(),
        video_id=VIDEO,
        dialect=Dialect(),
        wall=0,
    )


@pytest.mark.parametrize(
    ("example", "status"),
    [
        (video(), Status.QUEUED),
        (video(status="in_progress", progress=45), Status.IN_PROGRESS),
        (
            video(
                status="completed", progress=100, completed_at=1760627863, expires_at=1760714196
            ),
            Status.COMPLETED,
        ),
        (
            video(
                status="failed",
                error={
                    "message": "Content policy violation: inappropriate content detected",
                    "code": "content_policy_violation",
                },
            ),
            Status.FAILED,
        ),
        (video(status="cancelled"), Status.CANCELLED),
    ],
)
def test_an_example_is_passed_on_exactly_as_it_is(
    example: dict[str, object], status: Status
) -> None:
    answer = ask(example)

    assert isinstance(answer, Seen)
    assert answer.snapshot.status is status
    assert answer.snapshot.as_data() == example


def test_the_404_example_means_that_there_is_no_such_video() -> None:
    answer = ask({"error": {"message": "Video not found", "code": "video_not_found"}}, 404)

    assert isinstance(answer, NotFound)
