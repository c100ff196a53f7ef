"""What a gateway refuses for good: a video that is gone, or that a moderation stopped."""

import json

import pytest

from notifier.gateway import Dialect, classify
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.status import Status
from notifier.model.video import VideoError

ID = "video_68f1"


def ask(body: object, status: int) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "text/html"} if text.startswith(b"<") else {}
    return classify(status, headers, text, video_id=ID, dialect=Dialect(), wall=0)


GENERIC = [
    "Requested entity was not found.",
    "Resource not found",
    "The requested resource does not exist",
    "Request not found",
    "ID not found",
    "请求的资源不存在",
    "Generation not found",  # Luma
    "Operation ID not found.",
    "Some requested entity was not found",  # xAI
    "リソースが見つかりません",
    "리소스를 찾을 수 없습니다",
]
GONE = [
    *GENERIC,
    "Video request not found",
    "job not found",
    "The specified video id does not exist",
    f"No record of video {ID}",
    f"There is no video with id {ID}",
    f"Prediction {ID} not found",
    f"Operation {ID} not found",
    "Video has expired",
    "This task has been deleted",
    "The video was removed.",
    "The video is gone",
    "The video is no longer available",
    f"Job {ID} has already expired",
    "Unknown video",
    "Unknown task id",
    f"unrecognized job id {ID}",
    "Video not found or has been deleted",
    f"We could not find a video with that id: {ID}",
    "task_id not found",
    f"Job with ID {ID} was not found in the system.",
    "We couldn't find the video you requested.",
    "The video you are looking for does not exist.",
    f"{ID}: no such video",
    f"generation not found: {ID}",
    "task can not be found.",
    "invalid params, task_id not found",
    f"The video generation task {ID} has expired or been deleted.",
    "您要查询的任务不存在",
    "任务已失效,请重新提交",
    "任务不存在",
    "任务已过期",
    "该视频已被删除",
    "查无此任务",
    "未知任务",
    "任務不存在",
    "视频不存在或已过期",
    "任务ID不存在，请检查",  # noqa: RUF001 - as it is written
    f"找不到任务：{ID}",  # noqa: RUF001 - as it is written
    "The video you requested has expired and been deleted",
    f"Video {ID} was purged after 24 hours",
    f"No video with id {ID}",
    f"The record for task {ID} was not found",
    "Task record not found",
    f"Item with id '{ID}' not found.",
    "task_id不存在",
    "未查询到任务信息",
    "查無此任務",
    f"Couldn't find Video with 'id'={ID}",  # Rails
    "No Video matches the given query.",  # Django
    f"No query results for model [App\\\\Models\\\\VideoTask] {ID}",  # Laravel
    f"Failed to find deferred request {ID}",  # xAI
    f"The specified operation could not be found: projects/p/operations/{ID}",  # Vertex
    "Generation ID not found",
    "This video has been deleted by the user.",
    "The task was removed by an administrator",
    f"The video {ID} expired 24 hours after completion and is no longer available",
    "The video expired and was removed due to our retention policy",
    "This job has been deleted after 7 days as per our data retention policy",
    f"Task with ID '{ID}' does not exist in your account",
    f"Task {ID} was not found in this organization",
    "Video ID not found for this user",
    "Video not found for the current user",
    f"The task `{ID}` specified in the request is not found. Request id: 0217",  # Volcengine
    f"The task `{ID}` specified in the request is not found Request id: 0217",
    f"The task `{ID}` specified in the request is not found, request_id: 02-17ab.",
    "The video specified in the request does not exist",
    f"Task {ID} results have expired",
    f"The results of task {ID} have been deleted",
    "This generation either does not exist or is expired",  # Stability
    "The video either has expired or does not exist",
    "動画が見つかりません",
    "動画が見つかりませんでした。",
    "指定された動画は存在しません",
    f"動画ID {ID} が見つかりません",
    f"動画「{ID}」が見つかりません",
    "タスクが存在しません",
    "該当するタスクが見つかりません",
    "ジョブが見つかりません",
    "ビデオは既に削除されました",
    "動画の有効期限が切れました",
    "비디오를 찾을 수 없습니다",
    "비디오를 찾을 수 없습니다.",
    f"비디오 {ID}를 찾을 수 없습니다",
    "동영상을 찾을 수 없습니다",
    "해당 영상이 존재하지 않습니다",
    "작업이 존재하지 않습니다",
    f"작업 ID '{ID}'를 찾을 수 없습니다",
    "요청한 작업을 찾을 수 없습니다",
    "작업이 만료되었습니다",
    "삭제된 비디오입니다",
    f"Video {ID} not found for this user",
    "指定されたタスクは存在しません",
    "해당 작업이 존재하지 않습니다",
]


@pytest.mark.parametrize("text", GONE)
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "{}", "code": "404"}},
        {"error": "{}"},
        {"detail": "{}"},
        {"code": 5, "msg": "{}", "data": None},
        {"base_resp": {"status_code": 2013, "status_msg": "{}"}},
        {"errcode": 404, "errmsg": "{}"},
        {"request_id": "r", "code": "NotFound", "message": "{}"},
        {"success": False, "data": {"error_message": "{}"}},
        {"Response": {"Error": {"Code": "ResourceNotFound", "Message": "{}"}, "RequestId": "x"}},
        {"ResponseMetadata": {"Error": {"Code": "NotFound", "Message": "{}"}}},
        {"fault": {"faultstring": "{}"}},
    ],
    ids=lambda body: json.dumps(body)[:30],
)
def test_json_that_says_that_the_video_is_gone_is_a_not_found(
    text: str, body: dict[str, object]
) -> None:
    filled = json.loads(json.dumps(body, ensure_ascii=False).replace("{}", text))
    for status in (404, 400, 410, 200):
        answer = ask(filled, status)
        assert isinstance(answer, NotFound), answer
        assert answer.generic == (text in GENERIC)


@pytest.mark.parametrize(
    ("text", "generic"),
    [
        ("The requested resource is gone", True),
        ("Requested entity was not found.", True),
        ("The video is gone", False),
        (f"{ID} not found", False),
        ("任务已过期", False),
        ("Gone", True),
        ("This version of the API was switched off", True),
    ],
)
def test_a_410_that_does_not_name_the_video_may_be_about_the_whole_gateway(
    text: str, *, generic: bool
) -> None:
    answer = ask({"error": {"message": text}}, 410)
    assert isinstance(answer, NotFound)
    assert answer.generic == generic


@pytest.mark.parametrize(
    "text",
    [
        "Invalid video id",
        f"invalid task id: {ID}",
        "Invalid id",
        f"Video id {ID} is not valid",
        "invalid_video_id",
        "任务ID无效",
        "任务id不正确",
        "无效的任务ID",
    ],
)
def test_an_invalid_id_counts_on_404_and_410_alone(text: str) -> None:
    for status in (404, 410):
        assert isinstance(ask({"error": {"message": text}}, status), NotFound)
    for status in (200, 400, 422, 500):
        assert isinstance(ask({"error": {"message": text}}, status), PollError)


@pytest.mark.parametrize(
    "text",
    [
        "Not Found",
        "not_found",
        "404",
        "Page not found",
        "Route not found",
        "Model not found",
        "The model `sora-2` does not exist",
        "Backend not found",
        "no healthy upstream",
        "Worker video-3 not found",
        "Invalid request",
        "invalid_request_error",
        "Request has expired",
        "Your API key has expired",
        "Your plan has expired",
        "Session expired",
        "Token not found",
        "The certificate has expired",
        "Storage for video not found",
        "Database not found",
        "Video storage is gone",
        "Task queue does not exist",
        "Unknown operation",
        "Video generation has expired",
        "Video file has expired",
        "The requested resource could not be found but may be available again in the future",
        "Cannot GET /v1/videos/video_68f1",
        "no Route matched with those values",
        "404 page not found",
        "Unknown model",
        "Deployment not found",
        "Video not found yet",
        "Task is still being created, not found",
        "Video not found, please try again later",
        "模型不存在",
        "渠道不存在",
        "视频服务信息不存在",
        "任务类型数据不存在",
        "Task record service not found",
        "No video workers with id w_1",
        "Item not found",
        "Record not found",
        "No record",
        "接口不存在",
        "任务不存在，请稍后再试",  # noqa: RUF001 - as it is written
        "任务队列不存在",
        "令牌已过期",
        "服务不可用",
        "没有任务",
        "无任务",
        "Model sora-2 does not exist in your account",
        "User not found for this account",
        "The endpoint specified in the request is not found. Request id: 0217",
        "The model `sora-2` specified in the request is not found. Request id: 0217",
        "The model or endpoint ep-2 does not exist or you do not have access to it. Request id: 2",
        "Video generation is not found in your account",
        "Video not found in this region",
        "Results have expired",
        "Video results have expired",
        "This endpoint either does not exist or is expired",
        "This model either does not exist or is deprecated",
        "Not found Request id: 0217",
        "No model found in your account",
        "モデルが見つかりません",
        "動画モデルが見つかりません",
        "動画生成が見つかりません",
        "動画サーバーが見つかりません",
        "タスクキューが存在しません",
        "ページが見つかりません",
        "ユーザーが存在しません",
        "モデル sora-2: タスクが存在しません",
        "動画はまだ見つかりません",
        "タスクが存在しません。しばらくしてからお試しください",
        "参照動画が見つかりません",
        "video_68f1の参照画像が見つかりません",
        "モデルvideo_68f1が見つかりません",
        "모델을 찾을 수 없습니다",
        "비디오 모델을 찾을 수 없습니다",
        "비디오 생성을 찾을 수 없습니다",
        "작업 큐가 존재하지 않습니다",
        "페이지를 찾을 수 없습니다",
        "사용자가 존재하지 않습니다",
        "참조 영상을 찾을 수 없습니다",
        "작업이 아직 존재하지 않습니다",
        "비디오를 찾을 수 없습니다. 잠시 후 다시 시도해 주세요",
    ],
)
@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_what_is_about_the_gateway_itself_ends_nothing(text: str, status: int) -> None:
    for body in ({"error": {"message": text}}, {"detail": text}, {"code": 1, "msg": text}):
        answer = ask(body, status)
        assert isinstance(answer, PollError), answer
        assert status != 404 or "/v1" in answer.hint


@pytest.mark.parametrize("body", [b"", b"{}", {"error": "Gone"}, {"detail": "API retired"}])
def test_a_bare_410_is_a_not_found_that_may_be_about_the_whole_gateway(body: object) -> None:
    answer = ask(body, 410)
    assert isinstance(answer, NotFound)
    assert answer.generic
    assert answer.status == 410
    assert answer.detail


def test_a_410_in_plain_text_is_one_as_well() -> None:
    answer = classify(
        410, {"content-type": "text/plain"}, b"Gone", video_id=ID, dialect=Dialect(), wall=0
    )
    assert isinstance(answer, NotFound)
    assert answer.generic
    assert answer.detail == "Gone"


@pytest.mark.parametrize(
    "text",
    [f"Video {ID} has expired", "video_not_found", "The video has been deleted", "任务已过期"],
)
def test_a_403_that_says_that_the_video_is_gone_is_no_refusal_of_the_key(text: str) -> None:
    answer = ask({"error": {"message": text}}, 403)
    assert isinstance(answer, NotFound)
    assert not answer.generic


@pytest.mark.parametrize(
    "text",
    [
        "You do not have access to this video",
        "Video not found or you do not have access to it",
        "Video not found or does not belong to this user",
        "Video ID not found for this user",
        f"Task with ID '{ID}' does not exist in your account",
        "任务不存在或无权访问",
        "The requested resource was not found",
        "Your API key has expired",
    ],
)
def test_a_403_that_may_be_about_access_is_a_refusal(text: str) -> None:
    assert isinstance(ask({"error": {"message": text}}, 403), Unauthorized)
    assert isinstance(ask({"error": {"message": "Video not found"}}, 401), Unauthorized)


@pytest.mark.parametrize(
    "body",
    [
        b"error code: 1020",
        {"type": "https://developers.cloudflare.com/1xxx/1020", "cloudflare_error": True},
    ],
)
def test_what_cloudflare_refuses_says_nothing_about_the_key(body: object) -> None:
    answer = ask(body, 403)
    assert isinstance(answer, PollError)
    assert "Cloudflare" in answer.hint


def test_an_answer_of_stability_that_names_nobody_else_is_a_not_found() -> None:
    gone = ["This generation either does not exist or is expired"]
    answer = ask({"id": "a", "name": "not_found", "errors": gone}, 404)
    assert isinstance(answer, NotFound)


def test_a_web_page_is_never_a_final_refusal() -> None:
    for status in (404, 410):
        page = b"<html><p>Video not found</p>"
        assert isinstance(ask(page, status), PollError)


MODERATED = [
    {
        "code": "imagine:content-moderated",
        "error": "Generated video rejected by content moderation.",
    },
    {"error": {"message": "Generated video rejected by content moderation."}},
    {"error": {"code": "content_policy_violation", "message": "no"}},
    {"error": {"code": "moderation_blocked", "message": "no"}},
    {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content."},
    {"error": {"code": "OutputVideoSensitiveContentDetected", "message": "no"}},
    {"error": {"message": "Your request was rejected by the safety system"}},
    {"error": {"message": "The video was blocked due to content policy violation"}},
    {"error": {"message": "The generated content violates our usage policies."}},
    {"detail": "Content moderated"},
    {"error": {"message": "Your request was rejected as a result of our safety system."}},
    {"error": {"message": "This content may violate our guidelines concerning third parties."}},
    {"detail": [{"msg": "flagged", "type": "content_policy_violation"}]},
    {"detail": "NSFW content detected"},
    {"detail": "Prompt was flagged as inappropriate content"},
    {"msg": "内容未通过审核"},
    {"message": "生成的视频包含敏感信息"},
    {"errmsg": "提示词涉及违规内容"},
    {"base_resp": {"status_code": 1027, "status_msg": "输出内容涉及敏感内容"}},
    {"msg": "内容违规"},
    {"error": {"message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}},
    {"error": {"message": "The output video may contain sensitive information."}},
    {
        "error": {
            "message": "The request failed because the input text may contain sensitive"
            " information. Request id: 021"
        }
    },
    {"error": {"message": "Input data may contain inappropriate content."}},
    {"detail": "Your prompt may contain text that is not allowed by our safety system."},
    {"error": {"code": "ResponsibleAIPolicyViolation", "message": "no"}},
    {"error": {"code": "InputImageSensitiveContentDetected.PrivacyInformation", "message": "no"}},
    {"failureCode": "SAFETY.INPUT.TEXT", "code": "SAFETY.INPUT.TEXT", "message": "no"},
    {"msg": "视频内容违规"},
    {"msg": "视频因违规被拦截"},
    {"msg": "触发内容安全策略"},
    {"msg": "内容不合规"},
    {"code": 50412, "data": None, "message": "Text Risk Not Pass", "request_id": "r"},  # Jimeng
    {"code": 50511, "data": None, "message": "Post Img Risk Not Pass", "status": 50511},
    {"base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}},  # MiniMax
    {"code": 1301, "message": "Trigger the platform's content security policy"},  # Kling
    {"message": "Failure to pass the risk control system"},
    {
        "error": {
            "message": "The prompt could not be submitted. This prompt contains sensitive words"
            " that violate Google's Responsible AI practices.",
            "status": "INVALID_ARGUMENT",
        }
    },
    {
        "error": {
            "message": "Veo could not generate videos because the input image violates"
            " Vertex AI's usage guidelines."
        }
    },
]


@pytest.mark.parametrize("body", MODERATED, ids=lambda body: json.dumps(body)[:50])
@pytest.mark.parametrize("status", [200, 400, 403, 422])
def test_a_refusal_by_moderation_is_a_failed_job(body: dict[str, object], status: int) -> None:
    answer = ask(body, status)
    assert isinstance(answer, Seen), answer
    assert answer.snapshot.status is Status.FAILED
    assert answer.snapshot.error is not None


@pytest.mark.parametrize(
    "text",
    [
        "Client error: the video was rejected by content moderation",
        "For this account: your prompt was rejected by our safety system",
        "User: the prompt violates our content policy",
    ],
)
def test_a_refusal_by_moderation_may_mention_whoever_asks(text: str) -> None:
    assert isinstance(ask({"error": {"message": text}}, 403), Seen)


def test_the_reason_of_a_refusal_by_moderation_is_kept() -> None:
    answer = ask(MODERATED[0], 400)
    assert isinstance(answer, Seen)
    assert answer.snapshot.error == VideoError(
        "Generated video rejected by content moderation.", "imagine:content-moderated"
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": "content moderation is unavailable"}}, 400),
        ({"error": {"message": "content moderation timed out"}}, 400),
        ({"error": {"code": "content_moderation_timeout"}}, 400),
        ({"error": {"message": "moderation service unavailable"}}, 400),
        ({"error": {"message": "Request blocked by rate limiter"}}, 400),
        ({"error": {"code": "content_policy_violation"}}, 500),
        ({"error": {"code": "content_policy_violation"}}, 429),
        ({"id": "video_9", "error": {"code": "content_policy_violation"}}, 400),
        ({"error": {"message": "Video video_9 was rejected by content moderation"}}, 400),
        ({"message": "审核中，请稍后"}, 400),  # noqa: RUF001 - as it is written
        ({"error": {"message": "Request denied by policy"}}, 400),
        ({"error": {"message": "Your request was rejected by the policy"}}, 400),
        ({"error": {"message": "Request violates rate limit policy"}}, 400),
        ({"error": {"message": "Request was blocked by security policy"}}, 400),
        ({"error": {"code": "policy_violation", "message": "IP not allowed"}}, 400),
        ({"message": "请求不符合接口规范"}, 400),
        ({"message": "请求违反频率限制规定"}, 400),
        ({"message": "请求不符合要求"}, 400),
        ({"message": "请求被拦截"}, 400),
        ({"message": "Risk control is busy"}, 400),
        ({"message": "The request violates the platform's rate limit policy"}, 400),
    ],
)
def test_trouble_with_a_moderation_or_with_another_video_ends_nothing(
    body: dict[str, object], status: int
) -> None:
    assert isinstance(ask(body, status), PollError)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Account suspended. Usage policy violation detected."},
        {"message": "Your organization has been disabled: content policy violation"},
        {"message": "Request denied by usage policy: monthly quota exceeded"},
        {"message": "Request blocked by content security policy"},
        {"message": "Request blocked by guardrail"},
        {"message": "API key disabled. Safety policy violations detected. Contact support."},
        {"message": "usage policy violation", "code": "account_suspended"},
        {"message": "Project blocked; content violation", "code": "permission_denied"},
        {"message": "账号已封禁：内容违规"},  # noqa: RUF001 - as it is written
        {"message": "您的账号因违规被封禁，内容违规"},  # noqa: RUF001 - as it is written
    ],
    ids=lambda error: error["message"],
)
def test_a_403_about_whoever_asks_is_a_refusal_of_the_key(error: dict[str, str]) -> None:
    assert isinstance(ask({"error": error}, 403), Unauthorized)
    if "equest" not in error["message"]:
        assert isinstance(ask({"error": error}, 400), PollError)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "video_not_found", "message": "The video is not ready yet"}},
        {"code": "task_not_exist", "message": "task is being synchronized", "data": None},
        {"code": "task_not_exist", "message": "任务尚未同步，请稍后重试"},  # noqa: RUF001 - as it is written
        {"error": {"code": "task_not_found", "message": "Please try again later"}},
        {"error": {"message": "Model not found in your account"}},
        {"error": {"message": "モデルが見つかりません"}},
        {"error": {"message": "모델을 찾을 수 없습니다"}},
        {"error": {"message": "Input files of this task have expired"}},
    ],
    ids=lambda body: json.dumps(body)[:50],
)
@pytest.mark.parametrize("status", [200, 400, 404])
def test_a_video_that_may_still_come_is_not_lost(body: dict[str, object], status: int) -> None:
    assert isinstance(ask(body, status), PollError)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            {"id": ID, "status": "Failed", "failureMessage": "Invalid S3 credentials"},
            VideoError("Invalid S3 credentials"),  # Bedrock
        ),
        (
            {
                "id": ID,
                "status": "error",
                "error": {"kind": "FaceError", "description": "no face"},
            },
            VideoError("no face", "FaceError"),  # D-ID
        ),
    ],
)
def test_the_reason_of_a_failed_job_is_found(body: object, error: VideoError) -> None:
    answer = ask(body, 200)
    assert isinstance(answer, Seen)
    assert (answer.snapshot.status, answer.snapshot.error) == (Status.FAILED, error)


@pytest.mark.parametrize(
    "body",
    [
        {"id": ID, "status": "failed", "error": {"code": code, "message": "by user"}}
        for code in ("cancelled", "user_cancelled", "job_cancelled", "CANCELED_BY_USER")
    ]
    + [
        {"id": ID, "status": "failed", "error": {"type": "cancelled", "message": "m"}},
        {"name": f"models/veo/operations/{ID}", "done": True, "error": {"code": 1}},
        {
            "name": f"models/veo/operations/{ID}",
            "done": True,
            "error": {"code": 499, "status": "CANCELLED", "message": "m"},
        },
    ],
    ids=lambda body: json.dumps(body)[:70],
)
def test_a_job_that_somebody_cancelled_is_cancelled(body: dict[str, object]) -> None:
    answer = ask(body, 200)
    assert isinstance(answer, Seen)
    assert answer.snapshot.status is Status.CANCELLED


def test_a_job_that_is_not_there_for_a_known_vendor_is_a_not_found() -> None:
    body = {"code": 10000, "data": {"status": "not_found"}, "message": "Success", "status": 10000}
    assert isinstance(ask(body, 200), NotFound)


def test_a_proxy_that_does_not_know_the_key_refuses_the_key() -> None:
    error = {"message": "No connected db.", "type": "no_db_connection", "code": "400"}
    assert isinstance(ask({"error": error}, 400), Unauthorized)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"failure_reason": "r"}, VideoError("r")),
        ({"fail_reason": "r", "code": "c"}, VideoError("r", "c")),
        ({"error_message": "r", "error_code": 7}, VideoError("r", "7")),
        ({"task_status_msg": "r"}, VideoError("r")),
        ({"failure": "r", "failureCode": "SAFETY"}, VideoError("r", "SAFETY")),
        ({"message": "r"}, VideoError("r")),
        ({"error": None, "base_resp": {"status_code": 1, "status_msg": "r"}}, VideoError("r")),
        ({"failMsg": "r", "failCode": "501"}, VideoError("r", "501")),
        ({"err_code": "CreditInsufficient"}, VideoError(None, "CreditInsufficient")),
        ({"error": {"code": None, "message": "r"}, "message": "x"}, VideoError("r")),
        ({"error": {}, "message": "r"}, VideoError("r")),
        ({"message": "success", "reason": "r"}, VideoError("r")),
        ({"error": '{"error": {"message": "r", "code": "c"}}'}, VideoError("r", "c")),
        ({"failureMessage": "r"}, VideoError("r")),  # Bedrock
        (
            {"error": {"kind": "FaceError", "description": "r"}},
            VideoError("r", "FaceError"),
        ),  # D-ID
        ({"error": {"code": "c", "kind": "k", "description": "r"}}, VideoError("r", "c")),
        ({"error": {"message": "r", "description": "long"}}, VideoError("r")),
        ({"errors": [{"description": "r"}]}, VideoError("r")),
        ({"base_resp": {"status_code": 1026, "status_msg": "r"}}, VideoError("r", "1026")),
        ({"base_resp": {"status_code": 1027}}, VideoError(None, "1027")),  # MiniMax
        ({"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        ({"detail": [{"msg": "r", "type": "t"}]}, VideoError("r", "t")),  # fal
        ({"detail": [{"msg": "r", "type": "t", "code": "c"}]}, VideoError("r", "c")),
        ({"error": {"message": "r", "type": "error", "code": None}}, VideoError("r")),
        ({"kind": "video", "type": "t2v", "description": "a cat on a beach"}, None),
        ({}, None),
    ],
)
def test_the_reason_of_a_failure_is_read_wherever_it_stands(
    fields: dict[str, object], error: VideoError | None
) -> None:
    answer = ask({"id": ID, "status": "failed", **fields}, 200)
    assert isinstance(answer, Seen)
    assert answer.snapshot.error == error


def test_the_reason_of_a_job_without_an_id_is_read() -> None:
    arn = "arn:aws:bedrock:us-east-1:1:async-invoke/a"
    body = {"invocationArn": arn, "status": "Failed", "failureMessage": "Invalid S3 credentials"}
    answer = ask(body, 200)
    assert isinstance(answer, Seen)
    assert answer.snapshot.error == VideoError("Invalid S3 credentials")


def test_an_envelope_may_say_why_the_job_inside_it_failed() -> None:
    inside = {"task_id": ID, "task_status": "failed"}
    answer = ask({"code": 1303, "message": "quota exceeded", "data": inside}, 200)
    assert isinstance(answer, Seen)
    assert answer.snapshot.error == VideoError("quota exceeded", "1303")

    answer = ask({"code": 0, "message": "SUCCEED", "data": inside}, 200)
    assert isinstance(answer, Seen)
    assert answer.snapshot.error is None


def test_a_status_word_may_say_that_there_is_no_such_job() -> None:
    for word in ("not_found", "Task Not Found", "NOT_EXIST", "deleted"):
        assert isinstance(ask({"id": ID, "status": word}, 200), NotFound)
