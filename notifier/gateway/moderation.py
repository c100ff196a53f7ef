"""Recognises that a moderation refused a video, said in an error body instead of a job's status.

xAI answers `400 {"code": "imagine:content-moderated", …}` to a question about such a job. The job
has failed, and asking again changes nothing. As in `not_found`, one whole clause or a whole code
has to say so: "content moderation is unavailable" is about the gateway and may pass.
"""

import re
from http import HTTPStatus

from notifier.gateway.clauses import as_code, clauses, tidy
from notifier.gateway.error_texts import error_texts
from notifier.model.video import Json

_CODE = re.compile(
    r"(?:[a-z0-9_.]{1,40}[:./])?(?:"
    r"(?:content|request|input|output|prompt|video|image|text)_(?:was_)?moderated"
    r"|(?:content_)?moderation_(?:blocked|rejected|refused|flagged|violation|refusal)"
    r"|content_(?:policy|filter|safety|moderation)(?:_?(?:violation|violated|blocked|rejected))?"
    r"|content_?(?:filtered|violation|rejected|flagged)"
    r"|(?:safety|usage_policy|responsible_a_?i_?policy)_?violation"
    r"|(?:prompt|video|content|output)_blocked|safety\.[a-z_.]{1,60}"
    r"|(?:input_|output_)?(?:text_|image_|video_|audio_)?sensitive_content(?:_detected)?"
    r"(?:\.[a-z_]{1,40})?"
    r"|(?:inappropriate|prohibited|unsafe|nsfw)_content(?:_detected)?"
    r"|nsfw(?:_detected)?|data_inspection_failed|(?:input|output|new)_(?:new_)?sensitive"
    r")(?:[._]?(?:error|exception|policy_?violation))?"
)

_WHOSE = r"(?:(?:the|this|your|generated|requested|input|output|resulting|user|provided) ){0,3}"
_SUBJECT = (
    rf"{_WHOSE}(?:video|content|output|result|prompt|input|image|request|generation|task|job|media)"
    r"(?: (?:content|generation|output|prompt|request|description|text|image|video|data))?"
    r"(?: <id>)?"
)
_DONE = (
    r"(?:(?:was|has been|is|were|has|got) )?(?:automatically )?(?:rejected|blocked|refused|flagged"
    r"|filtered|moderated|denied|removed|declined|stopped)(?: out)?"
)
_VIOLATES = (
    r"(?:may |might )?(?:violate[sd]?|violating|goes against|did not pass|does not pass"
    r"|didn't pass|failed to pass|failed|breaches)"
)
_CONCERNING = r"(?: (?:concerning|regarding|on|about|around) .{0,80})?"
_VIOLATION = (
    r"(?:content|safety|usage|community|moderation)(?: moderation| guidelines)?"
    r"(?: polic(?:y|ies))? violations?(?: (?:was )?detected)?"
)
_BY = r"(?:by|due to|because of|as a result of|for|under|after|during|as)"
_THINGS = r"(?:content|material|information|text)"
_BAD = r"(?:inappropriate|sensitive|unsafe|prohibited|harmful|explicit|nsfw|violating|disallowed)"
_RULE = (
    r"(?:(?:the|our|its|an?|potentially|possible|platform's|provider's|openai's|google's"
    r"|vertex ai's) ){0,3}"
    r"(?:(?:content|safety|video|image|usage|community|automated|moderation) ){0,2}"
    r"(?:moderation|safety|polic(?:y|ies)|filter(?:s|ing)?|guardrails?|guidelines|standards"
    r"|responsible ai|content security)"
    r"(?: (?:system|polic(?:y|ies)|filters?|checks?|violations?|reasons|review|guidelines|rules"
    r"|concerns|restrictions|practices|policy))?"
)
_REASON = rf"(?:{_RULE}|(?:an? |potentially ){{0,2}}{_BAD}(?: (?:{_THINGS}|input|output))?)"
_HOLDS = r"(?:contains?|contained|(?:may|might) contain|(?:may|might) have contained)"
_SENTENCES = (
    rf"(?:{_SUBJECT} )?{_DONE} {_BY} {_REASON}",
    r"(?:content|request|prompt|video|output|input) (?:was |has been )?moderated",
    rf"(?:{_SUBJECT} )?{_VIOLATES} {_RULE}{_CONCERNING}",
    _VIOLATION,
    (
        rf"(?:(?:the )?request failed because )?(?:{_SUBJECT} )?{_HOLDS} (?:potentially )?{_BAD}"
        rf"(?: {_THINGS})?"
    ),
    rf"{_SUBJECT} {_HOLDS} {_THINGS} that is not allowed by {_RULE}",
    rf"{_BAD} (?:content|material)(?: (?:was |has been )?detected)?(?: in {_SUBJECT})?",
    r"nsfw",
    r"(?:(?:pre|post|text|prompt|img|image|video|audio|content) ){1,3}risk not pass(?:ed)?",
    r"(?:failed|failure) to pass the risk control system",
    r"(?:(?:input|output|text|prompt|image|video) ){1,2}(?:new_)?sensitive",
    r"trigger(?:s|ed)? the platform's content security policy",
    rf"{_SUBJECT} {_HOLDS} (?:{_BAD} )?(?:words|content|material) that violates? {_RULE}",
    rf"[a-z]{{1,20}} could not generate videos? because {_SUBJECT} {_VIOLATES} {_RULE}",
)
_CHINESE_SUBJECT = (
    r"(?:系统)?(?:检测到|发现)?(?:您的|该|此|生成|输入|输出|视频|内容|图片|提示词|文本|结果|任务"
    r"|请求|素材|画面|或|和|的){0,8}"
)
_CHINESE_CHECK = r"(?:审核|审查|检测|安全检查)"
_CHINESE_BAD = r"(?:敏感|违规|不当|违禁|色情|不安全|不良|暴力|、|或|等){1,6}"
_CHINESE_HOLDS = r"(?:可能)?(?:包含|含有|涉及|存在|命中|触发|涉嫌)了?"
_CHINESE_REFUSED = r"(?:未通过|没有通过|未能通过|不通过|被)(?:平台|系统)?(?:内容|安全)*"
_CHINESE_SENTENCES = (
    rf"{_CHINESE_SUBJECT}{_CHINESE_REFUSED}{_CHINESE_CHECK}(?:拒绝|拦截|驳回)?",
    rf"{_CHINESE_SUBJECT}(?:安全|内容)*审核(?:未通过|不通过|没有通过|拒绝|拦截)",
    rf"{_CHINESE_SUBJECT}{_CHINESE_HOLDS}{_CHINESE_BAD}(?:内容|信息|词汇?|元素|风险)?",
    r"(?:(?:生成|输出|输入)?的?(?:内容|视频|提示词|图片)){0,2}(?:违规|不合规)(?:内容)?",
    (
        rf"{_CHINESE_SUBJECT}因?(?:内容|涉嫌)?(?:违规|敏感|不合规)(?:内容)?被?(?:系统|平台)?"
        r"(?:拦截|拒绝|屏蔽|驳回|下架)"
    ),
    (
        rf"{_CHINESE_SUBJECT}(?:触发|命中)了?(?:平台|系统)?(?:内容|安全|审核|风控)+"
        r"(?:策略|机制|规则|限制|拦截|过滤)+"
    ),
    rf"{_CHINESE_SUBJECT}(?:违反|不符合).{{0,20}}(?:规范|政策|规定|准则|要求)",
)
_SENTENCE = re.compile("|".join(f"(?:{one})" for one in _SENTENCES + _CHINESE_SENTENCES))
_ABOUT_CONTENT = re.compile(
    r"moderat|safety|sensitive|risk (?:control|not pass)|responsible ai"
    r"|guardrail|content|community|usage|openai|guideline|nsfw|violating"
    r"|video|output|result|prompt|input|image|media"
    rf"|{_BAD}|内容|安全|社区|审核|审查|检测|敏感|违规|不当|违禁|色情|不良|暴力"
    r"|视频|输出|输入|图片|提示词|文本|素材|画面|风险|风控|不合规"
)
# a request may also break a policy of the network, or a rule about how often to ask
_MAY_PASS = re.compile(
    r"\b(?:unavailable|time[sd]? ?out|later|pending|yet|still|quota|rate[ -]limits?|billing)\b"
    r"|稍后|超时|尚未|配额|额度"
)


# a text that begins with whoever asks is about them; a 403 may be a firewall's word
_CALLER = re.compile(
    r"\b(?:account|organi[sz]ation|workspace|project|tenant|subscription|key|token|user|ip)\b"
    r"[^.;:!?]{0,60}\b(?:suspended|disabled|banned|blocked|locked|deactivated|restricted|terminated"
    r"|revoked)\b"
    r"|(?:账号|账户|帐号|帐户|密钥|组织|项目).{0,20}(?:封禁|封停|禁用|停用|冻结)"
)
_CALLER_CODE = re.compile(
    r"(?:[a-z0-9]{1,20}_)?(?:account|organization|workspace|project|tenant|key|token|user)_"
    r"(?:is_|was_|has_been_)?"
    r"(?:suspended|disabled|banned|blocked|locked|deactivated|restricted|terminated)"
)
_OF_FIREWALL = re.compile(
    r"(?:(?:the|this|your) )?request (?:(?:was|has been|is) )?(?:blocked|denied|rejected|refused)"
    r" by (?:(?:the|our|its|an?) )?(?:content security policy|guardrails?|usage polic(?:y|ies))"
)


def says_moderated(value: Json, video_id: str, status: int) -> str | None:
    """Return the text which says that a moderation refused the video; None if there is none.

    With a `status` of 403 a firewall may have refused the request instead.
    """
    texts = error_texts(value)
    if any(_CALLER_CODE.fullmatch(as_code(text)) for text in texts):
        return None
    forbidden = status == HTTPStatus.FORBIDDEN
    stating = (text for text in texts if _states_moderated(text, video_id, forbidden=forbidden))
    return next(stating, None)


def _states_moderated(text: str, video_id: str, *, forbidden: bool) -> bool:
    if _CODE.fullmatch(as_code(text)):
        return True
    tidied = tidy(text, video_id)
    return _MAY_PASS.search(tidied) is None and any(
        _SENTENCE.fullmatch(clause)
        and _ABOUT_CONTENT.search(clause)
        and not _CALLER.search(tidied, 0, begin)
        and not (forbidden and _OF_FIREWALL.fullmatch(clause))
        for clause, begin in clauses(tidied)
    )
