"""Recognises "no such video" in an error body.

A false match ends a paid job as lost. `{"detail": "Not Found"}` is what a web framework says about
a wrong path, and "video worker-2 not found" is about a machine. So texts are not searched for
keywords. A text is cut into clauses, and one whole clause has to be such a sentence from its first
word to its last: a subject (the video, by noun, by id or both) and a statement (that it does not
exist, is unknown, gone, deleted or expired; on 404 and 410 also that it is invalid). Any other
text counts as a transient error.

A clause that names the watched id always counts. Another clause does not count in a server error
(5xx) or after a clause about another subject. Nothing counts in an error one of whose texts says
that the video may still come: `video_not_found` beside "not ready yet" is no denial.
"""

import re
from http import HTTPStatus

from notifier.gateway.clauses import as_code, clauses, tidy
from notifier.gateway.error_texts import error_texts
from notifier.model.video import Json

_INVALID_COUNTS = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})

# Subjects. Every repetition is bounded, or a long text would take seconds to search.
_FOREIGN = r"(?=[\w.:=+-]{0,80}[\d_=-])[\w.:=+-]{1,200}"  # what looks like another id
_WHICH = r"(?:(?:the|this|that|your|requested|specified|given|provided|such|some|any|a) ){0,3}"
_JOB = (
    r"(?:(?:video )?generation (?:task|job|request)|video (?:task|job|request|resource)"
    r"|deferred request"
    r"|video|task|job|prediction)"
)
_THING = rf"(?:{_JOB}|entity|resource|request)"
_LABEL = r"(?: with)?(?: the| this| that)?(?: given| specified)?[ _]id"
# a bare word after the noun may be a machine's name: another id needs quotes or a label
_REF = rf"(?:(?:{_LABEL})? (?:<id>|'{_FOREIGN}')|{_LABEL} {_FOREIGN})"
_IN_FULL = rf"(?:{_REF}|{_LABEL})"
_BY_ID = rf"(?:(?:video )?generation|operation){_IN_FULL}"
_ID = rf"id(?: (?:<id>|'{_FOREIGN}'))?"
_NAMED_THING = rf"(?:{_THING}{_IN_FULL}?|{_BY_ID})"
_ASKED_FOR = (
    r"(?: you(?:'re| are| have)? (?:requested|looking for|asked for|specified|provided)"
    r"| (?:specified|given|provided) in (?:the|your|this) (?:request|url|path))?"
)
_SUBJECT = rf"(?:{_WHICH}(?:{_NAMED_THING}|{_ID}){_ASKED_FOR}|<id>)"
# an expired request may be one whose signature is too old, an invalid one is any bad request
_NAMED_JOB = rf"(?:{_JOB}{_IN_FULL}?|(?:request|entity|resource){_IN_FULL}|{_BY_ID}|{_ID})"
_JOB_SUBJECT = rf"(?:{_WHICH}(?:{_NAMED_JOB}|entity|resource)|<id>)"

# Statements.
_MISSING = (
    r"(?:(?:was |is |could |can |has |does |did )?not[ _]?"
    r"(?:be |been )?(?:found|exists?|located|known|recogni[sz]ed)"
    r"|(?:cannot|can't|couldn't) be (?:found|located)|(?:was|is)n't (?:found|known)|doesn't exist"
    r"|no longer (?:exists?|available)|is (?:no longer available|unknown|gone)|unknown|is missing)"
)
_TIME = r"(?:\d{1,4}|an?|one|two|seven) ?(?:h|d|hours?|days?|minutes?|weeks?)"
_AND_ALSO = (
    r"(?: (?:and|or) (?:was |has been |been |is )?(?:automatically )?"
    r"(?:gone|expired|deleted|removed|purged|cleaned up|no longer available))?"
)
_OVER = (
    r"(?:(?:has |have |was |is |had )?(?:already |since )?(?:been )?"
    rf"(?:gone|expired|deleted|removed|purged){_AND_ALSO}"
    r"(?: by (?:(?:the|its|an?|your) )?(?:user|owner|creator|admin(?:istrator)?|system))?"
    rf"(?: (?:after|since) {_TIME}| {_TIME} after (?:its )?(?:completion|creation))?"
    rf"{_AND_ALSO}"
    r"(?: (?:due to|by|under|(?:as )?per) (?:(?:the|our|its) )?(?:data )?retention"
    r"(?: policy| period| rules)?)?)"
)
_OR_ELSE = (
    r"(?: or (?:(?:it )?(?:does not|doesn't) belong|is not owned|access|no permission"
    r"|you (?:do not|don't) have|(?:has |was |is )?(?:already )?(?:been )?"
    r"(?:deleted|expired|removed|invalid|gone|purged)).{0,200})?"
)
_WHOSE = (
    r"(?:in|for|under|within|on) (?:this|your|the) (?:current |calling )?"
    r"(?:user|account|organi[sz]ation|workspace|team|tenant|customer|api key)"
)
_WHERE = rf" (?:(?:in|on) (?:the|our) (?:system|database|records?|registry)|{_WHOSE})"
_NO_SUCH = r"(?:no such|unknown|unrecogni[sz]ed|non-?existent|expired|deleted)"
_CANNOT = r"(?:cannot|can't|could not|couldn't|unable to|failed to|did not|didn't)"
_FOUND = r"(?:(?:was |could be )?found|exists?)"
_SENTENCES = (
    rf"{_SUBJECT} {_MISSING}(?:(?: for)?{_REF}|{_WHERE})?{_OR_ELSE}",
    rf"(?:video )?generation {_MISSING}(?: for)?{_REF}",
    rf"{_WHICH}generation {_MISSING}",
    rf"{_WHICH}generation either {_MISSING} or {_OVER}",
    rf"{_SUBJECT} either (?:{_MISSING} or {_OVER}|{_OVER} or {_MISSING})",
    rf"(?:the )?(?:{_JOB}(?:{_LABEL})? )?<id> (?:results?|outputs?) {_OVER}",
    rf"(?:the )?(?:results?|outputs?) (?:of|for) {_WHICH}(?:{_JOB}(?:{_LABEL})? )?<id> {_OVER}",
    rf"{_WHICH}operation {_MISSING}{_REF}",
    rf"no (?:such )?{_JOB} match(?:es|ed|ing) (?:the|your|this) (?:given )?(?:query|id)",
    rf"{_JOB_SUBJECT}{_ASKED_FOR} {_OVER}{_OR_ELSE}",
    rf"{_NO_SUCH} (?:{_NAMED_THING}|{_ID})",
    rf"(?:there (?:is|was) )?no (?:such )?{_NAMED_THING} {_FOUND}(?:(?: for)?{_REF}|{_WHERE})?",
    rf"there (?:is|was) no (?:such )?{_NAMED_THING}",
    rf"no {_THING}{_REF}",
    rf"(?:the |no )?{_JOB} (?:record|entry) (?:was )?{_MISSING}(?:(?: for)?{_REF})?",
    rf"(?:the |no )?(?:record|entry) (?:of|for) {_SUBJECT} {_MISSING}",
    rf"(?:the )?(?:item|object|document|record|entry)(?: with)?(?: the)?(?: id)? <id> {_MISSING}",
    rf"no (?:record|trace|entry) (?:was )?(?:found )?(?:of|for) {_SUBJECT}(?: {_FOUND})?",
    rf"(?:we |i )?{_CANNOT} (?:find|locate) {_SUBJECT}(?:{_WHERE})?",
    rf"(?:we |i )?(?:do not|don't) (?:know|have|recogni[sz]e)(?: of| about)? {_SUBJECT}",
    rf"(?:404 )?not[ _]?found(?: for)? (?:{_NAMED_THING}|<id>)",
)
_NOT_VALID = (
    r"(?:is |was )?(?:invalid|malformed|not valid|not a valid (?:video |task |job )?(?:id|one))"
)
_INVALID_SENTENCES = (
    rf"(?:invalid|malformed|bad) {_NAMED_JOB}",
    rf"(?:{_WHICH}{_NAMED_JOB}|<id>) {_NOT_VALID}",
)

_CHINESE_JOB = (
    r"(?:视频|影片|視頻|任务|任務|作业|生成|(?:task|video|job)_?(?=id))"
    r"(?:生成|合成)?(?:任务|任務|作业|请求)?(?:记录|信息|数据)?"
)
_CHINESE_THING = rf"(?:{_CHINESE_JOB}|资源|資源|请求|請求|实体)"
_CHINESE_WHICH = (
    r"(?:该|此|这个|您的|对应的?|指定的?|相应的?|所?请求的|您?(?:所|要)?(?:查询|查找)的|当前"
    r"|該|指定)?"
)
_CHINESE_REF = rf" ?(?:id|编号|号)? ?(?:<id>|'{_FOREIGN}'|{_FOREIGN})? ?"
_CHINESE_OR_ELSE = (
    r"(?:或(?:者)?(?:已过期|已失效|已删除|已被删除|已被清理|无权|無權|已過期|已刪除|不属于)"
    r".{0,30})?"
)
_CHINESE_NOT_FOUND = "未找到|没有找到|沒有找到|找不到|无法找到|未查到|查不到|未查询到"
_CHINESE_MISSING = rf"(?:已|并)?(?:不存在|{_CHINESE_NOT_FOUND}|不再存在)(?:了)?"
_CHINESE_OVER = r"(?:已经?|已被|已經)(?:过期|失效|删除|被删除|清理|移除|過期|刪除)(?:了)?"
_CHINESE_LASTING = rf"(?:{_CHINESE_JOB}|资源|資源)"
_CHINESE_NO_SUCH = rf"(?:{_CHINESE_NOT_FOUND}|查询不到|查无|查無|无|未知的?|不存在的?|没有)"
_CHINESE_THAT = r"(?:该|此|这个|指定的?|对应的?|相应的?|您的|的|id为)?"
_CHINESE_SENTENCES = (
    rf"{_CHINESE_WHICH}(?:{_CHINESE_THING}|id){_CHINESE_REF}{_CHINESE_MISSING}{_CHINESE_OR_ELSE}",
    rf"{_CHINESE_WHICH}{_CHINESE_LASTING}{_CHINESE_REF}{_CHINESE_OVER}{_CHINESE_OR_ELSE}",
    rf"{_CHINESE_NO_SUCH} ?{_CHINESE_THAT}{_CHINESE_THING}{_CHINESE_REF}",
)
_CHINESE_BARE = r"(?:没有|无|不存在的?) ?(?:视频|任务|资源|请求)"  # says too little
_CHINESE_INVALID = (
    rf"{_CHINESE_WHICH}{_CHINESE_JOB}{_CHINESE_REF}(?:无效|不合法|非法|错误|有误|不正确|無效)",
    rf"(?:无效|非法|错误|無效)的?{_CHINESE_JOB}{_CHINESE_REF}",
)

_JAPANESE_JOB = (
    r"(?:動画|ビデオ|映像|タスク|ジョブ)(?:(?:生成)?(?:タスク|ジョブ|リクエスト))?"
    r"(?:の?(?:データ|情報|記録))?"
)
_JAPANESE_WHICH = (
    r"(?:この|その|該当する|該当の|対象の|(?:ご)?指定(?:された|した|の)|(?:リクエスト|要求)された"
    r"|お探しの)?"
)
_ASIAN_REF = rf" ?(?:の?id)?(?: ?(?:<id>|'{_FOREIGN}'))? ?"
_JAPANESE_MISSING = (
    r"(?:[がはを] ?)?(?:(?:見つかり|みつかり|存在し)ません(?:でした)?|存在しない|見つからない"
    r"|見つけることができません(?:でした)?|見つけられません(?:でした)?)"
)
_JAPANESE_OVER = (
    r"(?:[はが] ?)?(?:(?:すでに|既に)? ?(?:削除|消去)(?:されました|されています|済みです)"
    r"|の?有効期限[がは]切れ(?:ました|ています)|(?:すでに|既に)?期限切れです|期限が切れました)"
)
_KOREAN_JOB = (
    r"(?:비디오|동영상|영상|작업|태스크)(?:(?: ?생성)? ?(?:작업|요청|태스크))?"
    r"(?:의? ?(?:정보|데이터))?"
)
_KOREAN_WHICH = r"(?:(?:해당|이|그|지정된|지정한|요청한|요청된|요청하신|찾으시는|주어진) )?"
_KOREAN_MISSING = (
    r"(?:[을를이가은는] ?)? ?(?:찾을 수 (?:없습니다|없음|없어요|없었습니다)|찾지 못했습니다"
    r"|존재하지 (?:않습니다|않음|않는)|더 이상 존재하지 않습니다)"
)
_KOREAN_OVER = r"(?:[이가은는] ?)? ?(?:이미 )?(?:만료|삭제)(?:되었습니다|됐습니다|됨)"
_EAST_ASIAN_SENTENCES = (
    rf"{_JAPANESE_WHICH}(?:{_JAPANESE_JOB}|リソース){_ASIAN_REF}{_JAPANESE_MISSING}",
    rf"{_JAPANESE_WHICH}{_JAPANESE_JOB}{_ASIAN_REF}{_JAPANESE_OVER}",
    rf"(?:id ?)?<id> ?(?:の{_JAPANESE_JOB})?(?:{_JAPANESE_MISSING}|{_JAPANESE_OVER})",
    rf"(?:存在しない|不明な){_JAPANESE_JOB}{_ASIAN_REF}(?:です)?",
    rf"{_KOREAN_WHICH}(?:{_KOREAN_JOB}|리소스){_ASIAN_REF}{_KOREAN_MISSING}",
    rf"{_KOREAN_WHICH}{_KOREAN_JOB}{_ASIAN_REF}{_KOREAN_OVER}",
    rf"(?:id ?)?<id> ?(?:{_KOREAN_JOB})?(?:{_KOREAN_MISSING}|{_KOREAN_OVER})",
    rf"(?:존재하지 않는|삭제된|만료된|알 수 없는) {_KOREAN_JOB}{_ASIAN_REF}(?:입니다)?",
)


def _any(sentences: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in sentences))


_SENTENCE = _any(_SENTENCES + _CHINESE_SENTENCES + _EAST_ASIAN_SENTENCES)
_INVALID = _any(_INVALID_SENTENCES + _CHINESE_INVALID)
_TOO_LITTLE = re.compile(_CHINESE_BARE)
_CODED_THING = r"(?:video_|generation_)?(?:video|task|job|generation|prediction)s?_?(?:id_)?"
_CODED_LAST = r"(?:video_)?(?:video|task|job|generation|prediction)s?(?:_?id)?"
_CODE = re.compile(
    rf"(?:[a-z_]{{1,40}}\.)?(?:{_CODED_THING}(?:is_|was_|has_)?"
    r"(?:not_?found|(?:does_)?not_?exists?|expired|gone|deleted|unknown)"
    rf"|(?:unknown|no_such|nonexistent|expired)_{_CODED_LAST})(?:_error|_exception)?"
)
_INVALID_CODE = re.compile(rf"invalid_{_CODED_LAST}(?:_error|_exception)?")
_WORDS = frozenset({"not_found", "notfound", "not_exist", "deleted", "removed", "gone"})

_NOUN = re.compile(
    "video|task|job|generation|prediction|视频|任务|影片|任務"
    "|動画|ビデオ|映像|タスク|ジョブ|비디오|영상|작업|태스크"
)
_OTHER_SUBJECT = re.compile(
    r"\b(?:model|route|path|url|endpoint|page|user|key|channel|provider|deployment|account"
    r"|service|function|host|backend|cluster|namespace|project|worker|storage|bucket|table"
    r"|queue|cache|database|region|plan|reference|source|input|image|file|asset)s?\b"
    r"|モデル|サーバー|ワーカー|参照|入力|画像|ファイル|ユーザー|アカウント|キュー"
    r"|모델|서버|워커|참조|입력|이미지|파일|사용자|계정|대기열"
)
_BARE_GENERATION = re.compile(rf"{_WHICH}generation {_MISSING}")  # it may be a function
_ACCESS = re.compile(
    rf"access|permission|belong|owned|{_WHOSE}|authori[sz]|forbidden|not allowed"
    r"|无权|無權|不属于|权限"
)
_UNDER_WAY = r"synchroni[sz]|sync|process|creat|generat|prepar|queu|replicat|index|initiali[sz]"
_MAY_COME = re.compile(
    rf"\b(?:yet|still|later|soon|shortly|not[ _]ready|being (?:{_UNDER_WAY})[a-z]{{1,6}}"
    r"|(?:is|are) (?:currently )?(?:in progress|processing|pending|queued|running|generating)"
    r"|again in (?:an? |\d|the |some )|retry (?:after|in) )|_yet\b"
    r"|稍后|稍後|稍等|尚未|暂未|暫未|暂时|暫時|正在|未同步|同步中|处理中|處理中|生成中"
    r"|まだ|しばらく|後で|後ほど|処理中|準備中|同期中"
    r"|아직|잠시|나중에|(?:처리|생성|준비|동기화) ?중"
)


def says_missing(value: Json, video_id: str, status: int) -> str | None:
    """Return the text which says that the video does not exist; None if there is none.

    From a `status` of 500 on, a clause has to name the watched id, because a broken server's
    sentences about its tables and queues have the same form.
    """
    broken = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    texts = [(text, tidy(text, video_id)) for text in error_texts(value)]
    if any(_MAY_COME.search(tidied) for _, tidied in texts):
        return None
    for text, tidied in texts:
        if not broken and _is_code(as_code(text), status):
            return text
        if _states_missing(tidied, status, broken=broken):
            return text
    return None


def may_still_come(value: Json, video_id: str) -> bool:
    """Return whether a text of an error says that the video may still come."""
    return any(_MAY_COME.search(tidy(text, video_id)) for text in error_texts(value))


def names_video(text: str, video_id: str) -> bool:
    """Return whether a text names the watched id, or a video, task or job."""
    tidied = tidy(text, video_id)
    if _BARE_GENERATION.fullmatch(tidied.strip(" .")):
        return False
    return "<id>" in tidied or _NOUN.search(tidied) is not None


def may_be_refused(text: str) -> bool:
    """Return whether a text which says that a video is missing may be about access to it."""
    return _ACCESS.search(text.lower()) is not None


def is_missing_word(word: str) -> bool:
    """Return whether a job's status word says that there is no such job."""
    code = as_code(word).replace(" ", "_")
    return code in _WORDS or _CODE.fullmatch(code) is not None


def _is_code(code: str, status: int) -> bool:
    if _CODE.fullmatch(code):
        return True
    return status in _INVALID_COUNTS and _INVALID_CODE.fullmatch(code) is not None


def _states_missing(text: str, status: int, *, broken: bool) -> bool:
    """Return whether a clause says that the video is missing and nothing makes it doubtful."""
    for clause, begin in clauses(text):
        if _is_sentence(clause, status):
            certain = "<id>" in clause and _NOUN.search(clause) is not None
            if certain or not (broken or _OTHER_SUBJECT.search(text, 0, begin)):
                return True
    return False


def _is_sentence(clause: str, status: int) -> bool:
    if _SENTENCE.fullmatch(clause):
        return _TOO_LITTLE.fullmatch(clause) is None
    return status in _INVALID_COUNTS and _INVALID.fullmatch(clause) is not None
