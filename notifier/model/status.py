"""The status of a job, in one vocabulary for all gateways.

Gateways agree on the five words of the protocol and on little else. A word that is in no table
is *not* an ending: it is logged and the watch goes on.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """The five words of the protocol."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether a job with this status will never change again."""
        return self in TERMINAL


TERMINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)  # a set takes longer: it hashes

_WORDS = {
    Status.QUEUED: (
        "queued pending submitted not_start preparing unknown created starting"
        " in_queue inqueue queueing queuing waiting wait scheduled accepted throttled not_started"
        " initializing booting backlogged retry"
        " 排队中 等待中 待处理 已提交 排队 等待 未开始 排隊中 待處理 待機中 대기 대기_중 대기중"
    ),
    Status.IN_PROGRESS: (
        "in_progress processing running generating inprogress preprocessing started dreaming"
        " in_process executing run working ongoing progressing finalizing cancelling canceling"
        " 处理中 生成中 进行中 运行中 审核中 處理中 進行中 処理中 처리_중 처리중 진행_중 진행중"
    ),
    Status.COMPLETED: (
        "completed complete success succeeded finished done succeed successful finish ready"
        " 生成完成 已生成 成功 已成功 完成 已完成 生成成功 任务成功 任務成功 完了 완료 완료됨"
    ),
    Status.FAILED: (
        "failed failure fail error expired rejected moderated content_moderated request_moderated"
        " timeout timed_out timedout nsfw nsfw_detected content_filtered blocked errored crashed"
        " unsuccessful"
        " 超时 已超时 审核不通过 审核未通过 违规 失败 已失败 生成失败 任务失败 已过期"
        " 已拒绝 失敗 生成失敗 任務失敗 已過期 실패"
    ),
    Status.CANCELLED: (
        "cancelled canceled aborted revoked terminated user_cancelled user_canceled"
        " 已取消 取消 已终止 已終止 キャンセル 취소 취소됨"
    ),
}
SYNONYMS: Mapping[str, Status] = MappingProxyType(
    {word: status for status, words in _WORDS.items() for word in words.split()}
)
"""The meaning of every known word, lower case.

Sources: new-api, LiteLLM, OpenRouter, Azure, xAI, Kling, DashScope, MiniMax, Vidu, Runway, Luma,
fal, Replicate, Ark, Zhipu, Pika, BFL.
"""

_ENUM_PREFIX = re.compile("^(?:task_|job_)?(?:status|state)_")
# some gateways write the names of an enum: TASK_STATUS_SUCCEED, JOB_STATE_RUNNING

EXPIRED = "expired"
"""A word that also becomes the `error.code` of the failed job."""


def fold_word(word: str) -> str:
    """Return `word` as tables hold it: gateways differ in case and in word separators."""
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def read_status(word: str, extra: Mapping[str, Status] | None = None) -> Status | None:
    """Return the status that `word` means, None for an unknown word.

    `extra` are a gateway's `status_words`, folded; they win over the built-in synonyms.
    """
    if not extra and word in SYNONYMS:
        return SYNONYMS[word]
    folded = fold_word(word)
    if extra and folded in extra:
        return extra[folded]
    return SYNONYMS.get(folded) or SYNONYMS.get(_ENUM_PREFIX.sub("", folded))
