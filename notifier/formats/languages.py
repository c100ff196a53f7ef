"""The texts that people read, in each language. A type of event is one row per language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from notifier.formats import times
from notifier.model.delivery import Language
from notifier.model.event import EventType

EMOJI: Mapping[EventType, str] = {
    EventType.COMPLETED: "✅",
    EventType.FAILED: "❌",
    EventType.CANCELLED: "🚫",
    EventType.LOST: "❓",
    EventType.TIMED_OUT: "⏰",
    EventType.EXPIRING: "⌛",
    EventType.ARCHIVED: "📦",
    EventType.ARCHIVE_FAILED: "⚠️",
    EventType.TEST: "🔔",
    EventType.ENDPOINT_DISABLED: "🔌",
    EventType.ENDPOINT_RECOVERED: "✅",
}
"""What stands before the title of each type."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one type of event is named; `after` labels the time from start to end.

    `meaning` says what the type alone does not say.
    """

    title: str
    after: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of one language; `{…}` are filled in. `zone` is hours from UTC."""

    looks: Mapping[EventType, Look]
    sample: str
    video: str
    model: str
    gateway: str
    last_seen: str
    expires: str
    expired: str
    error: str
    reason: str
    copy: str
    endpoint: str
    enable: str
    link: str
    link_note: str
    origin: str
    more: str
    where: str
    after: str
    until: str
    reason_follows: str
    colon: str
    parenthesis: tuple[str, str]
    units: tuple[str, str, str, str]
    zone: int
    zone_name: str

    def duration(self, seconds: int) -> str:
        """Return a duration in its two largest units."""
        return times.duration(seconds, self.units)

    def moment(self, seconds: int) -> str:
        """Return a moment to the minute, in the language's usual time zone."""
        local = times.utc(seconds) + timedelta(hours=self.zone if seconds < times.LAST_DAY else 0)
        return f"{local:%Y-%m-%d %H:%M}{self.zone_name}"


ENGLISH = Texts(
    looks={
        EventType.COMPLETED: Look("Video completed", "Took"),
        EventType.FAILED: Look("Video failed", "Failed after"),
        EventType.CANCELLED: Look("Video cancelled", "Cancelled after"),
        EventType.LOST: Look(
            "Video lost",
            "Lost after",
            "The gateway keeps answering that this video does not exist.",
        ),
        EventType.TIMED_OUT: Look(
            "Video timed out", "Gave up after", "No ending came in the time allowed."
        ),
        EventType.EXPIRING: Look(
            "Video expires soon", "Took", "The gateway will remove it; download it before."
        ),
        EventType.ARCHIVED: Look("Video archived", "Took"),
        EventType.ARCHIVE_FAILED: Look(
            "Video not archived", "Took", "notifier keeps no copy of this video."
        ),
        EventType.TEST: Look(
            "Test from notifier", "", "No video has ended. Events will arrive here like this."
        ),
        EventType.ENDPOINT_DISABLED: Look(
            "Endpoint disabled", "", "Deliveries to it are held until it is enabled again."
        ),
        EventType.ENDPOINT_RECOVERED: Look(
            "Endpoint recovered", "", "It takes events again; what was held is being delivered."
        ),
    },
    sample=" (test)",
    video="Video",
    model="Model",
    gateway="Gateway",
    last_seen="Last seen",
    expires="Expires",
    expired="Expired",
    error="Error",
    reason="Reason",
    copy="Copy",
    endpoint="Endpoint",
    enable="Enable it with",
    link="Download the video",
    link_note="the gateway may ask for its API key",
    origin="notifier event",
    more="and {count} more",
    where=": {video} on {gateway}",
    after=" after {duration}",
    until=", until {moment}",
    reason_follows=": {reason}",
    colon=": ",
    parenthesis=(" (", ")"),
    units=(" d", " h", " min", " s"),
    zone=0,
    zone_name=" UTC",
)

CHINESE = Texts(
    looks={
        EventType.COMPLETED: Look("视频已完成", "用时"),
        EventType.FAILED: Look("视频生成失败", "失败前用时"),
        EventType.CANCELLED: Look("视频已取消", "取消前用时"),
        EventType.LOST: Look("视频丢失", "丢失前用时", "网关一直回复该视频不存在。"),
        EventType.TIMED_OUT: Look("视频超时", "已等待", "在规定时间内没有等到结果。"),
        EventType.EXPIRING: Look("视频即将过期", "用时", "网关将删除该视频，请尽快下载。"),
        EventType.ARCHIVED: Look("视频已归档", "用时"),
        EventType.ARCHIVE_FAILED: Look("视频归档失败", "用时", "notifier 没有保存该视频的副本。"),
        EventType.TEST: Look("notifier 测试消息", "", "没有视频结束。今后的通知会像这样显示。"),
        EventType.ENDPOINT_DISABLED: Look(
            "接收端已停用", "", "发往该接收端的消息会保留，直到重新启用。"
        ),
        EventType.ENDPOINT_RECOVERED: Look(
            "接收端已恢复", "", "该接收端恢复接收，保留的消息正在投递。"
        ),
    },
    sample="（测试）",
    video="视频",
    model="模型",
    gateway="网关",
    last_seen="最后状态",
    expires="过期时间",
    expired="已过期",
    error="错误",
    reason="原因",
    copy="副本",
    endpoint="接收端",
    enable="重新启用",
    link="下载视频",
    link_note="网关可能要求提供 API 密钥",
    origin="notifier 事件",
    more="另有 {count} 项",
    where="：{video}（网关 {gateway}）",
    after="，用时 {duration}",
    until="，过期时间 {moment}",
    reason_follows="：{reason}",
    colon="：",
    parenthesis=("（", "）"),
    units=(" 天", " 小时", " 分", " 秒"),
    zone=8,
    zone_name="（UTC+8）",
)

TEXTS: Mapping[Language, Texts] = {Language.EN: ENGLISH, Language.ZH: CHINESE}
