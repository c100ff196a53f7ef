"""The table of formats: one row each. A new format is a word in `Format`, a module and a row."""

from collections.abc import Mapping
from types import MappingProxyType

from notifier.formats import cloudevents, dingtalk, discord, feishu, slack, standard, teams, wecom
from notifier.formats.notices import render as render_notice
from notifier.formats.service import Service, Signing, code_in
from notifier.model.delivery import Format
from notifier.model.event import Event, Notice

_MINUTE = 60.0
_KIB = 1024


def _standard(event: Event | Notice) -> bytes:
    return render_notice(event) if isinstance(event, Notice) else standard.render(event)


SERVICES: Mapping[Format, Service] = MappingProxyType(
    {
        Format.STANDARD: Service(Signing.REQUIRED, event=_standard, url_is_secret=False),
        Format.CLOUDEVENTS: Service(
            Signing.OPTIONAL,
            event=cloudevents.render,
            content_type=cloudevents.CONTENT_TYPE,
            url_is_secret=False,
        ),
        Format.TEMPLATE: Service(Signing.OPTIONAL, event=_standard),
        Format.SLACK: Service(
            Signing.NONE,
            message=slack.render,
            max_bytes=40_000,
            max_per_second=1.0,
            final_statuses=frozenset({400, 403, 404}),
        ),
        # 5 in 2 seconds for a webhook, 30 a minute for a channel
        Format.DISCORD: Service(
            Signing.NONE,
            message=discord.render,
            max_bytes=16 * _KIB,
            max_per_second=0.5,
            final_statuses=frozenset({400, 401, 403, 404, 413}),
        ),
        # 4 a second; 401 and 403: the URL's signature was replaced; 404: the workflow is gone
        Format.TEAMS: Service(
            Signing.NONE,
            message=teams.render,
            max_bytes=28 * _KIB,
            max_per_second=2.0,
            refusal=teams.refusal,
            final_statuses=frozenset({400, 401, 403, 404, 413}),
            final_codes=frozenset({"400", "401", "403", "404", "413"}),
            waits=MappingProxyType({"429": _MINUTE}),
        ),
        # 19001 no such bot, 19021 signature, 19022 address, 19024 keyword; 9499 a bad request,
        # but also "too many request", so it is retried; 11232 limited
        Format.FEISHU: Service(
            Signing.OWN,
            message=feishu.render,
            max_bytes=20_000 - 200,
            max_per_second=1.5,
            refusal=code_in("code", "StatusCode"),
            final_codes=frozenset({"19001", "19021", "19022", "19024"}),
            waits=MappingProxyType({"11232": _MINUTE, "9499": _MINUTE}),
            sign=feishu.sign,
        ),
        # 310000 keyword, signature or address; 4001xx and 400013 no such robot or group; 43xxxx
        # contents; 410100 and 130101 too many
        Format.DINGTALK: Service(
            Signing.OWN,
            message=dingtalk.render,
            max_bytes=20_000,
            max_per_second=0.3,
            refusal=code_in("errcode"),
            final_codes=frozenset(
                {"310000", "300001", "400013", "400101", "400102", "400105", "400106", "40035"}
                | {"430101", "430102", "430103", "430104", "43004"}
            ),
            waits=MappingProxyType({"410100": 10 * _MINUTE, "130101": 10 * _MINUTE}),
            sign=dingtalk.sign,
        ),
        # 93000 no such robot, 40008 and 40058 the message, 45002 too long; 45009 too many
        Format.WECOM: Service(
            Signing.NONE,
            message=wecom.render,
            max_bytes=wecom.MAX_CONTENT,
            max_per_second=0.3,
            refusal=code_in("errcode"),
            final_codes=frozenset({"93000", "40008", "40058", "45002", "44004"}),
            waits=MappingProxyType({"45009": _MINUTE}),
        ),
    }
)
"""How each format is rendered, signed, paced and judged."""
