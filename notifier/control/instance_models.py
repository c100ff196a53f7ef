"""What answers about the instances of a cluster look like, for the API's description."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Count = Annotated[int, Field(ge=0)]


class LeaseCounts(BaseModel):
    """How many leases of each kind an instance has."""

    watch: Annotated[int, Field(ge=0, description="Shards of gateways' watches, 64 each.")]
    lane: Annotated[int, Field(ge=0, description="Endpoints that it delivers to.")]
    discovery: Count
    archive: Count
    chores: Count


class Instance(BaseModel):
    """A process that shares the database with others; times are by the database's clock."""

    name: str
    id: Annotated[str, Field(description="Another one after each start.")]
    host: str
    pid: int
    version: str
    started_at: Annotated[float, Field(description="Unix seconds.")]
    uptime_seconds: Count
    alive: Annotated[bool, Field(description="False: others take over what it did.")]
    expires_in_seconds: Annotated[
        float, Field(description="For how long it need not beat; negative if it is missing.")
    ]
    draining: Annotated[bool, Field(description="It hands over all that it does.")]
    watches: Annotated[int, Field(ge=0, description="The open watches that it polls.")]
    leases: LeaseCounts
    lanes: Annotated[list[str], Field(description="The endpoints that it delivers to.")]
    config_differs: Annotated[
        list[str], Field(description="Endpoints that another one has with another URL.")
    ]
    config_lacks: Annotated[
        list[str],
        Field(description="Endpoints of others that the events which it records do not go to."),
    ]


class InstanceList(BaseModel):
    """All instances, by name; none where the state is in a file."""

    object: Literal["list"]
    data: list[Instance]


class Draining(BaseModel):
    """The instance hands over all that it does, from its next beat on."""

    draining: Literal[True]


class Undraining(BaseModel):
    """The instance takes its share of the work, from its next beat on."""

    draining: Literal[False]
